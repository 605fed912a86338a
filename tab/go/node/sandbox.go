package node

import (
	"cmp"
	"context"
	"os"
	"strconv"
	"strings"
	"time"

	cri "k8s.io/cri-api/pkg/apis/runtime/v1"

	"tab/programs"
)

// sandbox is what the containers of a pod share: a name and a place in the network.
type sandbox struct {
	id      string
	config  *cri.PodSandboxConfig
	handler string
	host    *host
	created int64
	isReady bool
	// programs are those of its containers.
	programs map[string]programs.Program
}

// RunPodSandbox makes a sandbox.
func (r *Runtime) RunPodSandbox(
	_ context.Context, config *cri.PodSandboxConfig, handler string,
) (string, error) {
	place := r.network.nodeHost()
	if !usesNode(config) {
		var err error
		if place, err = r.network.newHost(); err != nil {
			return "", err
		}
	}
	dns := config.GetDnsConfig()
	place.servers, place.searches, place.dots = dns.GetServers(), dns.GetSearches(), 1
	for _, option := range dns.GetOptions() {
		if count, isDots := strings.CutPrefix(option, "ndots:"); isDots {
			place.dots, _ = strconv.Atoi(count)
		}
	}
	pod := &sandbox{
		id: newID(), config: config, handler: handler, host: place,
		created: time.Now().UnixNano(), isReady: true, programs: r.programsFor(place.listen),
	}
	if config.LogDirectory != "" {
		if err := os.MkdirAll(config.LogDirectory, 0o755); err != nil {
			return "", err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sandboxes[pod.id] = pod
	return pod.id, nil
}

// usesNode reports whether a pod has the node's network.
func usesNode(config *cri.PodSandboxConfig) bool {
	options := config.GetLinux().GetSecurityContext().GetNamespaceOptions()
	return options != nil && options.Network == cri.NamespaceMode_NODE
}

// hostname returns what the containers of a pod are called: in the node's network, as the node.
func (s *sandbox) hostname() string { return cmp.Or(s.config.Hostname, Name) }

// resolvConf returns the file for the containers of a pod.
func (s *sandbox) resolvConf() string {
	dns := s.config.GetDnsConfig()
	var text strings.Builder
	if len(dns.GetSearches()) > 0 {
		text.WriteString("search " + strings.Join(dns.Searches, " ") + "\n")
	}
	for _, server := range dns.GetServers() {
		text.WriteString("nameserver " + server + "\n")
	}
	if len(dns.GetOptions()) > 0 {
		text.WriteString("options " + strings.Join(dns.Options, " ") + "\n")
	}
	return text.String()
}

// StopPodSandbox ends what runs in a sandbox.
func (r *Runtime) StopPodSandbox(_ context.Context, id string) error {
	pod, err := r.findSandbox(id)
	if err != nil {
		// It is stopped, and gone.
		return nil
	}
	r.mu.Lock()
	pod.isReady = false
	r.mu.Unlock()
	for _, one := range r.containersOf(id) {
		one.kill()
	}
	return nil
}

// RemovePodSandbox removes a sandbox and its containers.
func (r *Runtime) RemovePodSandbox(ctx context.Context, id string) error {
	pod, err := r.findSandbox(id)
	if err != nil {
		return nil
	}
	for _, one := range r.containersOf(id) {
		if err := r.RemoveContainer(ctx, one.id); err != nil {
			return err
		}
	}
	r.mu.Lock()
	delete(r.sandboxes, id)
	r.mu.Unlock()
	pod.host.release()
	return nil
}

func (s *sandbox) state() cri.PodSandboxState {
	if s.isReady {
		return cri.PodSandboxState_SANDBOX_READY
	}
	return cri.PodSandboxState_SANDBOX_NOTREADY
}

// PodSandboxStatus describes a sandbox.
func (r *Runtime) PodSandboxStatus(
	_ context.Context, id string, _ bool,
) (*cri.PodSandboxStatusResponse, error) {
	pod, err := r.findSandbox(id)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	network := &cri.PodSandboxNetworkStatus{Ip: pod.host.address}
	if usesNode(pod.config) {
		// The kubelet takes the node's.
		network.Ip = ""
	}
	return &cri.PodSandboxStatusResponse{Status: &cri.PodSandboxStatus{
		Id: id, Metadata: pod.config.Metadata, State: pod.state(), CreatedAt: pod.created,
		Network: network,
		Linux: &cri.LinuxPodSandboxStatus{Namespaces: &cri.Namespace{
			Options: pod.config.GetLinux().GetSecurityContext().GetNamespaceOptions(),
		}},
		Labels: pod.config.Labels, Annotations: pod.config.Annotations,
		RuntimeHandler: pod.handler,
	}}, nil
}

// ListPodSandbox lists the sandboxes that a filter lets through.
func (r *Runtime) ListPodSandbox(
	_ context.Context, filter *cri.PodSandboxFilter,
) ([]*cri.PodSandbox, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []*cri.PodSandbox
	for id, pod := range r.sandboxes {
		wanted := filter.GetState()
		if filter.GetId() != "" && filter.GetId() != id ||
			wanted != nil && wanted.State != pod.state() ||
			!matches(pod.config.Labels, filter.GetLabelSelector()) {
			continue
		}
		all = append(all, &cri.PodSandbox{
			Id: id, Metadata: pod.config.Metadata, State: pod.state(), CreatedAt: pod.created,
			Labels: pod.config.Labels, Annotations: pod.config.Annotations,
			RuntimeHandler: pod.handler,
		})
	}
	return all, nil
}

// UpdatePodSandboxResources changes nothing: there are no limits.
func (r *Runtime) UpdatePodSandboxResources(
	context.Context, *cri.UpdatePodSandboxResourcesRequest,
) (*cri.UpdatePodSandboxResourcesResponse, error) {
	return &cri.UpdatePodSandboxResourcesResponse{}, nil
}
