package node

import (
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/kubernetes/pkg/volume/util/subpath"
)

// Subpaths keeps what a volume's subPath leads to, as a bind mount would: a file by another
// name, so that the container has it although the volume gets another.
type Subpaths struct{}

const subpathDirectory = "volume-subpaths"

// CleanSubPaths removes what was kept of a volume of a pod.
func (Subpaths) CleanSubPaths(podDirectory, volume string) error {
	return os.RemoveAll(filepath.Join(podDirectory, subpathDirectory, volume))
}

// PrepareSafeSubpath returns where a container finds the subPath.
func (Subpaths) PrepareSafeSubpath(wanted subpath.Subpath) (string, func(), error) {
	source, err := resolveBelow(wanted.Path, wanted.VolumePath)
	if err != nil {
		return "", nil, err
	}
	info, err := os.Stat(source)
	if err != nil || info.IsDir() {
		return source, nil, err
	}
	index := fmt.Sprint(wanted.VolumeMountIndex)
	place := filepath.Join(wanted.PodDir, subpathDirectory, wanted.VolumeName,
		wanted.ContainerName, index)
	if err := os.MkdirAll(filepath.Dir(place), 0o750); err != nil {
		return "", nil, err
	}
	os.Remove(place)
	return place, nil, os.Link(source, place)
}

// SafeMakeDir makes a directory of a name in a volume.
func (Subpaths) SafeMakeDir(name, base string, mode os.FileMode) error {
	place := filepath.Join(base, name)
	// What is not there yet has no links.
	existing := place
	for existing != base {
		if _, err := os.Lstat(existing); err == nil {
			break
		}
		existing = filepath.Dir(existing)
	}
	if _, err := resolveBelow(existing, base); err != nil {
		return err
	}
	return os.MkdirAll(place, mode)
}

// resolveBelow returns a name without links, and fails if they lead out of a directory.
func resolveBelow(name, directory string) (string, error) {
	directory, err := filepath.EvalSymlinks(directory)
	if err != nil {
		return "", err
	}
	resolved, err := filepath.EvalSymlinks(name)
	if err == nil && !isBelow(resolved, directory) {
		err = fmt.Errorf("subpath %q not within volume path %q", name, directory)
	}
	return resolved, err
}
