package node

import (
	"os"
	"path"
	"sort"
	"strings"
	"syscall"

	cri "k8s.io/cri-api/pkg/apis/runtime/v1"

	"tab/programs"
)

// AllFiles are those of this process.
type AllFiles struct{}

// clusterDirectories have what the cluster runs with: the reader sees it, and cannot remove it.
var clusterDirectories = []string{
	"/etc/kubernetes", "/var/lib/containers", "/var/lib/kubelet", "/var/log/pods",
}

func (AllFiles) Path(name string) string { return name }

func (AllFiles) Refuses(name string) error {
	for _, directory := range clusterDirectories {
		if isBelow(name, directory) {
			return syscall.EROFS
		}
	}
	return nil
}

// containerFiles are below a root, but for what volumes are mounted over.
type containerFiles struct {
	root     string
	readOnly bool
	// user is who the container's programs run as.
	user int64
	// mounts are those of the innermost directories first.
	mounts []mount
}

// mount is a file or directory of a container that is elsewhere.
type mount struct {
	inside, outside string
	readOnly        bool
}

// newFiles makes a root with the image's files and the places of the mounts.
func newFiles(root string, config *cri.ContainerConfig) (*containerFiles, error) {
	if err := writeImage(root); err != nil {
		return nil, err
	}
	security := config.GetLinux().GetSecurityContext()
	files := &containerFiles{
		root: root, readOnly: security.GetReadonlyRootfs(), user: userOf(security).ID,
	}
	// The outer ones first: the place of an inner one may be in a volume.
	requested := append([]*cri.Mount{}, config.Mounts...)
	sort.SliceStable(requested, func(i, j int) bool {
		return len(requested[i].ContainerPath) < len(requested[j].ContainerPath)
	})
	for _, wanted := range requested {
		inside := withoutLinks(path.Clean(wanted.ContainerPath))
		if err := makePlace(files.Path(inside), wanted.HostPath); err != nil {
			return nil, err
		}
		one := mount{inside, wanted.HostPath, wanted.Readonly}
		files.mounts = append([]mount{one}, files.mounts...)
	}
	return files, nil
}

// withoutLinks returns a name without the links that the image has.
func withoutLinks(name string) string {
	for link, target := range imageLinks {
		if rest, isBelow := strings.CutPrefix(name+"/", link+"/"); isBelow {
			return path.Join(target, rest)
		}
	}
	return name
}

// makePlace makes an empty file or directory, as what is mounted over it is.
func makePlace(place, source string) error {
	if _, err := os.Stat(place); err == nil {
		return nil
	}
	info, err := os.Stat(source)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return os.MkdirAll(place, 0o755)
	}
	if err := os.MkdirAll(path.Dir(place), 0o755); err != nil {
		return err
	}
	return os.WriteFile(place, nil, 0o644)
}

// mountOf returns the mount that a file is in, or nil.
func (f *containerFiles) mountOf(name string) *mount {
	for i := range f.mounts {
		if isBelow(name, f.mounts[i].inside) {
			return &f.mounts[i]
		}
	}
	return nil
}

func isBelow(name, directory string) bool {
	return directory == "/" || name == directory || strings.HasPrefix(name, directory+"/")
}

// Path returns the name of a file for package os.
func (f *containerFiles) Path(name string) string {
	name = withoutLinks(path.Clean("/" + name))
	if over := f.mountOf(name); over != nil {
		return path.Join(over.outside, strings.TrimPrefix(name, over.inside))
	}
	return path.Join(f.root, name)
}

// Refuses returns why a file may not be changed, or nil. The image's files are root's; volumes
// are everybody's, as an emptyDir is.
func (f *containerFiles) Refuses(name string) error {
	name = withoutLinks(path.Clean("/" + name))
	if over := f.mountOf(name); over != nil {
		if over.readOnly {
			return syscall.EROFS
		}
		return nil
	}
	if f.readOnly {
		return syscall.EROFS
	}
	for _, directory := range everybodys {
		if name != directory && isBelow(name, directory) {
			return nil
		}
	}
	if f.user != 0 {
		return syscall.EACCES
	}
	return nil
}

// everybodys are the directories of an image in which each user may make files.
var everybodys = []string{"/tmp", "/var/tmp"}

// userOf returns who a container's programs run as.
func userOf(security *cri.LinuxContainerSecurityContext) programs.User {
	groups := append([]int64{security.GetRunAsGroup().GetValue()},
		security.GetSupplementalGroups()...)
	return programs.User{ID: security.GetRunAsUser().GetValue(), Groups: groups}
}
