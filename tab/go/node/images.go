package node

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	internalapi "k8s.io/cri-api/pkg/apis"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

const job = `echo "$(date) Batch job starting"; sleep 120; echo "$(date) Batch job finished"`

// images are the names of the one tree of programs, and what a container of each runs: the
// lessons' own, and those of the book's manifests, as on the local cluster.
var images = map[string][]string{
	"docker.io/library/toolbox:1":         {"sleep", "infinity"},
	"docker.io/library/busybox:latest":    {"sh"},
	"docker.io/tutum/curl:latest":         {"bash"},
	"docker.io/luksa/kubectl-proxy:1.6.2": {"kubectl", "proxy"},
	"docker.io/luksa/batch-job:latest":    {"sh", "-c", job},
}

// imageVariables are those of each image.
var imageVariables = []string{
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8",
}

// imageFiles are the files of each image, imageDirectories the directories that are there
// although nothing is in them. Programs are no files.
var (
	imageFiles = map[string]string{
		"/etc/passwd": "root:x:0:0:root:/root:/bin/bash\n" +
			"nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n",
		"/etc/group":         "root:x:0:\nnogroup:x:65534:\n",
		"/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
		"/etc/os-release":    "PRETTY_NAME=\"A browser's tab\"\nNAME=tab\nID=tab\n",
	}
	imageDirectories = []string{
		"/bin", "/dev", "/home", "/opt", "/proc", "/root", "/run", "/sbin", "/srv", "/sys",
		"/tmp", "/usr/bin", "/usr/local/bin", "/usr/sbin", "/var/lib", "/var/log", "/var/tmp",
	}
	imageLinks = map[string]string{"/var/run": "/run"}
)

// writeImage makes the files of an image below a root.
func writeImage(root string) error {
	for _, name := range imageDirectories {
		if err := os.MkdirAll(path.Join(root, name), 0o755); err != nil {
			return err
		}
	}
	for link, target := range imageLinks {
		if err := os.Symlink(target, path.Join(root, link)); err != nil {
			return err
		}
	}
	for name, text := range imageFiles {
		place := path.Join(root, name)
		if err := os.MkdirAll(path.Dir(place), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(place, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// fullName returns an image's name with what containers leave out: registry, library and tag.
func fullName(name string) string {
	registry, rest, hasRegistry := strings.Cut(name, "/")
	if !hasRegistry {
		name = "docker.io/library/" + name
	} else if !strings.ContainsAny(registry, ".:") && registry != "localhost" {
		name = "docker.io/" + name
	} else if registry == "docker.io" && !strings.Contains(rest, "/") {
		name = "docker.io/library/" + rest
	}
	if last := name[strings.LastIndex(name, "/"):]; !strings.ContainsAny(last, ":@") {
		name += ":latest"
	}
	return name
}

// imageID returns the id of an image.
func imageID(full string) string { return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(full))) }

// findImage returns the full name of an image of a name or an id.
func findImage(name string) (string, bool) {
	if _, isKnown := images[fullName(name)]; isKnown {
		return fullName(name), true
	}
	for full := range images {
		if imageID(full) == name {
			return full, true
		}
	}
	return "", false
}

// criImage describes an image to the kubelet.
func criImage(full string) *cri.Image {
	return &cri.Image{
		Id: imageID(full), RepoTags: []string{full}, Size: 1, Spec: &cri.ImageSpec{Image: full},
	}
}

// Images is the CRI's image service, as far as the kubelet asks for it.
type Images struct {
	internalapi.ImageManagerService
}

// ListImages lists all images, or the one of a filter.
func (Images) ListImages(_ context.Context, filter *cri.ImageFilter) ([]*cri.Image, error) {
	if name := filter.GetImage().GetImage(); name != "" {
		if full, isKnown := findImage(name); isKnown {
			return []*cri.Image{criImage(full)}, nil
		}
		return nil, nil
	}
	var all []*cri.Image
	for full := range images {
		all = append(all, criImage(full))
	}
	return all, nil
}

// ImageStatus returns an image, or an answer without one.
func (Images) ImageStatus(
	_ context.Context, spec *cri.ImageSpec, _ bool,
) (*cri.ImageStatusResponse, error) {
	if full, isKnown := findImage(spec.Image); isKnown {
		return &cri.ImageStatusResponse{Image: criImage(full)}, nil
	}
	return &cri.ImageStatusResponse{}, nil
}

// PullImage returns the id of an image that is here; no other can be had.
func (Images) PullImage(
	_ context.Context, spec *cri.ImageSpec, _ *cri.AuthConfig, _ *cri.PodSandboxConfig,
) (string, error) {
	if full, isKnown := findImage(spec.Image); isKnown {
		return imageID(full), nil
	}
	return "", status.Errorf(codes.NotFound, "failed to pull image %q: a browser's tab reaches "+
		"no registry, and has no Linux to run an image: take toolbox:1", fullName(spec.Image))
}

// RemoveImage removes nothing: images take no room.
func (Images) RemoveImage(context.Context, *cri.ImageSpec) error { return nil }

// ImageFsInfo says that images take no room.
func (Images) ImageFsInfo(context.Context) (*cri.ImageFsInfoResponse, error) {
	usage := []*cri.FilesystemUsage{{
		Timestamp: time.Now().UnixNano(), FsId: &cri.FilesystemIdentifier{Mountpoint: "/"},
		UsedBytes: &cri.UInt64Value{}, InodesUsed: &cri.UInt64Value{},
	}}
	return &cri.ImageFsInfoResponse{ImageFilesystems: usage, ContainerFilesystems: usage}, nil
}

// Close does nothing: the service is no connection.
func (Images) Close(context.Context) error { return nil }
