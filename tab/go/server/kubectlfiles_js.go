package main

import (
	"fmt"
	"io/fs"
	"path/filepath"
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
	if _, isList := v.Value.(pflag.SliceValue); !isList {
		if v.name == "kubeconfig" {
			return v.Value.Set(v.run.kubeconfig(text))
		}
		return v.set("", text)
	}
	for _, name := range strings.Split(text, ",") {
		key, file, hasKey := strings.Cut(name, "=")
		var err error
		switch {
		case v.name == "filename" && name == "-":
			var spool string
			if spool, err = v.run.readInput(); err == nil {
				err = v.Value.Set(spool)
			}
		case strings.Contains(name, "://"):
			err = v.Value.Set(name)
		case v.name == "from-file" && hasKey:
			err = v.set(key+"=", file)
		default:
			err = v.set("", name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// set sets the flag to a file, after a prefix.
func (v translatedValue) set(prefix, name string) error {
	file, err := v.run.path(name)
	if err != nil {
		return err
	}
	return v.Value.Set(prefix + file)
}

// path returns the name, for package os, of a file of the machine; a relative one is returned
// as it is where it names the same, so that messages have it as it was given. It fails for a
// directory with links that lead out of it: kubectl would follow them outside of the machine.
func (r *kubectlRun) path(name string) (string, error) {
	if name == "" || r.isReader() && r.Dir == home {
		return name, nil
	}
	translated, err := r.HostPath(name)
	if err != nil || r.isReader() {
		return translated, err
	}
	check := func(inner string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Type()&fs.ModeSymlink == 0 {
			// What is not there kubectl has better words for.
			return nil
		}
		target, err := filepath.EvalSymlinks(inner)
		if err == nil && !strings.HasPrefix(target, translated+"/") {
			err = fmt.Errorf("a link leads out of the directory %q", name)
		}
		return err
	}
	return translated, filepath.WalkDir(translated, check)
}

// isReader reports whether the machine is the reader's, whose files are those of package os.
func (r *kubectlRun) isReader() bool { return r.Machine.Files.Path("/") == "/" }
