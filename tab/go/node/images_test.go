package node

import (
	"strings"
	"testing"

	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

func TestNamesOfImagesAreCompleted(t *testing.T) {
	for name, full := range map[string]string{
		"toolbox:1":                   "docker.io/library/toolbox:1",
		"busybox":                     "docker.io/library/busybox:latest",
		"docker.io/busybox":           "docker.io/library/busybox:latest",
		"luksa/kubectl-proxy:1.6.2":   "docker.io/luksa/kubectl-proxy:1.6.2",
		"localhost/app":               "localhost/app:latest",
		"registry.example:5000/a/b:1": "registry.example:5000/a/b:1",
		"a@sha256:0":                  "docker.io/library/a@sha256:0",
	} {
		expect(t, fullName(name), full)
	}
}

func TestAnImageThatIsNotHereIsRefusedInWords(t *testing.T) {
	for _, name := range []string{"nginx", "toolbox:2", "<b>", "../x", "", "a b"} {
		spec := &cri.ImageSpec{Image: name}
		_, err := Images{}.PullImage(background, spec, nil, nil)
		if err == nil || !strings.Contains(err.Error(), "take toolbox:1") {
			t.Fatal(err)
		}
		response, err := Images{}.ImageStatus(background, spec, false)
		check(t, err)
		expect(t, response.Image, nil)
	}
	id, err := Images{}.PullImage(background, &cri.ImageSpec{Image: "tutum/curl"}, nil, nil)
	check(t, err)
	response, err := Images{}.ImageStatus(background, &cri.ImageSpec{Image: id}, false)
	check(t, err)
	expect(t, response.Image.RepoTags[0], "docker.io/tutum/curl:latest")
	filter := &cri.ImageFilter{Image: &cri.ImageSpec{Image: "toolbox:1"}}
	list, err := Images{}.ListImages(background, filter)
	check(t, err)
	expect(t, len(list), 1)
}
