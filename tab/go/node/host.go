package node

import (
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/kubernetes/pkg/volume/util/hostutil"
)

// Host is the kubelet's view of files outside of containers, where nothing is a device or a
// mount. Upstream's for systems that it does not know refuses all.
type Host struct{ *hostutil.FakeHostUtil }

// NewHost returns it.
func NewHost() Host { return Host{hostutil.NewFakeHostUtil(nil)} }

// PathExists reports whether a file is there.
func (Host) PathExists(name string) (bool, error) {
	_, err := os.Stat(name)
	if os.IsNotExist(err) {
		return false, nil
	}
	return err == nil, err
}

// EvalHostSymlinks returns a name without links.
func (Host) EvalHostSymlinks(name string) (string, error) { return filepath.EvalSymlinks(name) }

// PathIsDevice reports that nothing is one.
func (Host) PathIsDevice(string) (bool, error) { return false, nil }

// GetMode returns the mode of a file.
func (Host) GetMode(name string) (os.FileMode, error) {
	info, err := os.Stat(name)
	if err != nil {
		return 0, err
	}
	return info.Mode(), nil
}

// GetOwner returns root: there are no other users.
func (Host) GetOwner(string) (int64, int64, error) { return 0, 0, nil }

// GetFileType tells files from directories.
func (Host) GetFileType(name string) (hostutil.FileType, error) {
	info, err := os.Stat(name)
	switch {
	case os.IsNotExist(err):
		return hostutil.FileTypeUnknown, fmt.Errorf("path %q does not exist", name)
	case err != nil:
		return hostutil.FileTypeUnknown, err
	case info.IsDir():
		return hostutil.FileTypeDirectory, nil
	}
	return hostutil.FileTypeFile, nil
}
