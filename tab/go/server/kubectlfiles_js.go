package main

import (
	"fmt"
	"os"
	"path"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// fileFlags are kubectl's flags whose values name files of its machine; `-` among those of
// `filename` is the standard input. For the others kubectl opens files by package os, and so
// they are translated.
var fileFlags = map[string]bool{
	"filename": true, "kustomize": true, "kubeconfig": true, "cache-dir": true, "kuberc": true,
	"certificate-authority": true, "client-certificate": true, "client-key": true,
	"cert": true, "key": true, "from-file": true, "from-env-file": true, "patch-file": true,
	"unix-socket": true, "www": true, "profile-output": true, "output-directory": true,
}

// translateFlags has the values of such flags name files for package os.
func (r *kubectlRun) translateFlags(command *cobra.Command) {
	for _, set := range []*pflag.FlagSet{command.Flags(), command.PersistentFlags()} {
		set.VisitAll(func(flag *pflag.Flag) {
			if fileFlags[flag.Name] {
				flag.Value = fileValue(flag.Value, r, flag.Name)
			}
		})
	}
	for _, inner := range command.Commands() {
		r.translateFlags(inner)
	}
}

// fileValue returns a flag's value that translates what it is set to.
func fileValue(value pflag.Value, run *kubectlRun, name string) pflag.Value {
	translated := translatedValue{value, run, name}
	if list, isList := value.(pflag.SliceValue); isList {
		return translatedList{translated, list}
	}
	return translated
}

type translatedValue struct {
	pflag.Value
	run  *kubectlRun
	name string
}

// translatedList is one of a flag that may be given several times.
type translatedList struct {
	translatedValue
	pflag.SliceValue
}

func (v translatedList) String() string { return v.Value.String() }

func (v translatedValue) Set(text string) error {
	prefix := ""
	switch v.name {
	case "filename":
		if text == "-" {
			name, err := v.run.readInput()
			if err != nil {
				return err
			}
			return v.Value.Set(name)
		}
		if strings.Contains(text, "://") {
			return v.Value.Set(text)
		}
	case "from-file":
		if key, file, found := strings.Cut(text, "="); found {
			prefix, text = key+"=", file
		}
	}
	return v.Value.Set(prefix + v.run.path(text))
}

// path returns the name, for package os, of a file of the machine; a relative one is returned
// as it is where it names the same, so that messages have it as it was given.
func (r *kubectlRun) path(name string) string {
	if name == "" {
		return name
	}
	absolute := name
	if !path.IsAbs(name) {
		absolute = path.Join(r.Dir, name)
	}
	translated := r.Machine.Files.Path(path.Clean(absolute))
	if here, err := os.Getwd(); err == nil && translated == path.Join(here, name) {
		return name
	}
	return translated
}

const account = "/var/run/secrets/kubernetes.io/serviceaccount"

// inCluster is what client-go does in a pod, as a kubeconfig.
const inCluster = `apiVersion: v1
kind: Config
clusters:
- {name: "", cluster: {server: "https://%s:%s", certificate-authority: %s/ca.crt}}
users:
- {name: "", user: {tokenFile: %s/token}}
contexts:
- {name: in, context: {cluster: "", user: "", namespace: %s}}
current-context: in
`

// kubeconfig returns the file that KUBECONFIG names, or one for the account of the pod, or
// the usual one.
func (r *kubectlRun) kubeconfig() string {
	if name := r.Getenv("KUBECONFIG"); name != "" {
		return r.path(name)
	}
	usual := r.path(path.Join(r.Getenv("HOME"), ".kube/config"))
	if _, err := os.Stat(usual); err == nil {
		return usual
	}
	host, port := r.Getenv("KUBERNETES_SERVICE_HOST"), r.Getenv("KUBERNETES_SERVICE_PORT")
	directory := r.path(account)
	namespace, err := os.ReadFile(directory + "/namespace")
	if host == "" || port == "" || err != nil {
		return usual
	}
	file := r.path("/run/kubeconfig")
	text := fmt.Sprintf(inCluster, host, port, directory, directory, namespace)
	if os.MkdirAll(path.Dir(file), 0o755) != nil || os.WriteFile(file, []byte(text), 0o600) != nil {
		return usual
	}
	return file
}
