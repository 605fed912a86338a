package main

import (
	"context"
	"fmt"
	"io"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/warning"
	"k8s.io/kubernetes/cmd/kube-apiserver/app/options"
	api "k8s.io/kubernetes/pkg/apis/core"
)

// pluginName is that of an admission plugin of ours, which refuses nothing.
const pluginName = "WarnOfWhatATabLacks"

// unattended has the resources for which a cluster has a controller, and this one none, with what
// does not happen.
var unattended = map[schema.GroupResource]string{
	{Group: "autoscaling", Resource: "horizontalpodautoscalers"}:       "nothing is scaled",
	{Group: "resource.k8s.io", Resource: "resourceclaims"}:             "no device is allocated",
	{Group: "networking.k8s.io", Resource: "servicecidrs"}:             "it will not be Ready",
	{Group: "certificates.k8s.io", Resource: "podcertificaterequests"}: "nothing removes it",
	{Group: "storage.k8s.io", Resource: "volumeattachments"}:           "nothing is attached",

	{Group: "storagemigration.k8s.io", Resource: "storageversionmigrations"}: "nothing is migrated",

	{Resource: "persistentvolumeclaims"}: "it stays Pending, and so do pods with it",
	{Resource: "persistentvolumes"}:      "it stays Pending, and no claim gets it",
}

// warnings says with the answer to a request what a tab lacks for an object that is made, and that
// its node does not come back.
type warnings struct{ *admission.Handler }

// addWarnings adds the plugin to those of the API server.
func addWarnings(s *options.ServerRunOptions) {
	generic := s.Admission.GenericAdmission
	generic.Plugins.Register(pluginName, func(io.Reader) (admission.Interface, error) {
		return warnings{admission.NewHandler(admission.Create, admission.Delete)}, nil
	})
	generic.RecommendedPluginOrder = append(generic.RecommendedPluginOrder, pluginName)
}

// Validate lets every object through.
func (warnings) Validate(
	ctx context.Context, request admission.Attributes, _ admission.ObjectInterfaces,
) error {
	if request.GetSubresource() != "" {
		return nil
	}
	kind, resource := request.GetKind().Kind, request.GetResource().GroupResource()
	if request.GetOperation() == admission.Delete {
		if kind == "Node" {
			warning.AddWarning(ctx, "", "nothing registers the node of this tab again: pods stay "+
				"Pending until the cluster is started anew")
		}
		return nil
	}
	if result, is := unattended[resource]; is {
		warning.AddWarning(ctx, "", fmt.Sprintf("this tab has no controller for %ss: %s", kind,
			result))
	}
	if pod, is := request.GetObject().(*api.Pod); is {
		for _, text := range lacksOf(&pod.Spec) {
			warning.AddWarning(ctx, "", text)
		}
	}
	return nil
}

// lacksOf says what of a pod's specification a tab has nothing for.
func lacksOf(spec *api.PodSpec) (lacks []string) {
	if spec.NodeSelector["kubernetes.io/os"] == "linux" {
		lacks = append(lacks, "the node of this tab is no Linux (kubernetes.io/os=js): this pod "+
			"waits for another one")
	}
	for _, volume := range spec.Volumes {
		if volume.Ephemeral != nil {
			lacks = append(lacks, fmt.Sprintf("this tab has no controller for ephemeral volumes: "+
				"nothing makes the claim of %q", volume.Name))
		}
	}
	for _, container := range spec.Containers {
		if security := container.SecurityContext; security != nil &&
			(security.Capabilities != nil && len(security.Capabilities.Add) > 0 ||
				security.Privileged != nil && *security.Privileged) {
			lacks = append(lacks, fmt.Sprintf("this tab has no kernel: container %q gets no "+
				"capabilities", container.Name))
		}
	}
	return lacks
}
