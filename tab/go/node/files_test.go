package node

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/kubernetes/pkg/volume/util/subpath"
)

const account = "/var/run/secrets/kubernetes.io/serviceaccount"

// newVolume makes a volume as the kubelet writes one: names lead to a directory that it
// replaces.
func newVolume(t *testing.T) string {
	volume := t.TempDir()
	check(t, os.Mkdir(volume+"/..1", 0o755))
	check(t, os.WriteFile(volume+"/..1/token", []byte("first\n"), 0o644))
	check(t, os.Symlink("..1", volume+"/..data"))
	check(t, os.Symlink("..data/token", volume+"/token"))
	return volume
}

func TestAVolumeIsMounted(t *testing.T) {
	volume := newVolume(t)
	c := newPod(t).start(&cri.ContainerConfig{Mounts: []*cri.Mount{
		{ContainerPath: account, HostPath: volume, Readonly: true},
	}})
	// The image has a link from /var/run to /run.
	for _, directory := range []string{account, "/run" + strings.TrimPrefix(account, "/var/run")} {
		output, problems, _ := c.exec("cat", directory+"/token")
		expect(t, output+problems, "first\n")
	}
	output, _, _ := c.exec("ls", "/run/secrets/kubernetes.io")
	expect(t, output, "serviceaccount\n")
	_, problems, code := c.exec("sh", "-c", "echo x > "+account+"/token")
	expect(t, code != 0 && strings.Contains(problems, "Read-only file system"), true)
	// The kubelet's next version is there at once.
	check(t, os.Mkdir(volume+"/..2", 0o755))
	check(t, os.WriteFile(volume+"/..2/token", []byte("second\n"), 0o644))
	check(t, os.Symlink("..2", volume+"/..new"))
	check(t, os.Rename(volume+"/..new", volume+"/..data"))
	output, _, _ = c.exec("cat", account+"/token")
	expect(t, output, "second\n")
}

func TestAMountInAMount(t *testing.T) {
	outer, inner := t.TempDir(), filepath.Join(t.TempDir(), "ca.crt")
	check(t, os.WriteFile(inner, []byte("authority\n"), 0o644))
	c := newPod(t).start(&cri.ContainerConfig{Mounts: []*cri.Mount{
		{ContainerPath: "/data/ca.crt", HostPath: inner, Readonly: true},
		{ContainerPath: "/data", HostPath: outer},
	}})
	output, problems, _ := c.exec("sh", "-c", "echo new > /data/file; cat /data/ca.crt /data/file")
	expect(t, output+problems, "authority\nnew\n")
	written, err := os.ReadFile(outer + "/file")
	check(t, err)
	expect(t, string(written), "new\n")
}

func TestContainersShareNothingButVolumes(t *testing.T) {
	pod, volume := newPod(t), t.TempDir()
	mounts := []*cri.Mount{{ContainerPath: "/shared", HostPath: volume}}
	one := pod.start(&cri.ContainerConfig{Mounts: mounts})
	other := pod.start(&cri.ContainerConfig{Mounts: mounts})
	one.exec("sh", "-c", "echo a > /tmp/own; echo b > /shared/both")
	output, _, _ := other.exec("sh", "-c", "cat /shared/both; ls /tmp")
	expect(t, output, "b\n")
}

func TestARootThatIsReadOnly(t *testing.T) {
	security := &cri.LinuxContainerSecurityContext{ReadonlyRootfs: true}
	c := newPod(t).start(&cri.ContainerConfig{
		Linux:  &cri.LinuxContainerConfig{SecurityContext: security},
		Mounts: []*cri.Mount{{ContainerPath: "/tmp", HostPath: t.TempDir()}},
	})
	_, problems, code := c.exec("touch", "/etc/file")
	expect(t, code != 0 && strings.Contains(problems, "Read-only file system"), true)
	_, problems, code = c.exec("touch", "/tmp/file")
	expect(t, problems, "")
	expect(t, code, 0)
}

func TestAContainerHasNoFilesOfOthers(t *testing.T) {
	pod := newPod(t)
	secret := filepath.Join(pod.directory, "secret")
	check(t, os.WriteFile(secret, []byte("secret"), 0o644))
	c := pod.start(&cri.ContainerConfig{})
	for _, script := range []string{
		"cat " + secret,
		"cat ../../../../../../.." + secret,
		"ln -s / /tmp/top; cat /tmp/top" + secret,
		"ln -s " + secret + " /tmp/link; cat /tmp/link",
		"cd /tmp/../..; cat ." + secret,
		"ln -s ../../../../../../.. /tmp/up; cat /tmp/up" + secret,
		"cat < " + secret,
		". " + secret,
	} {
		output, problems, _ := c.exec("sh", "-c", script)
		if strings.Contains(output+problems, "secret\n") || output != "" {
			t.Fatalf("%s: %s", script, output)
		}
	}
}

func TestASubPathKeepsItsFile(t *testing.T) {
	volume, pod := newVolume(t), t.TempDir()
	wanted := subpath.Subpath{
		VolumeMountIndex: 1, Path: volume + "/token", VolumeName: "words", VolumePath: volume,
		PodDir: pod, ContainerName: "main",
	}
	place, _, err := Subpaths{}.PrepareSafeSubpath(wanted)
	check(t, err)
	check(t, os.Remove(volume+"/..1/token"))
	text, err := os.ReadFile(place)
	check(t, err)
	expect(t, string(text), "first\n")
	check(t, Subpaths{}.CleanSubPaths(pod, "words"))
	if _, err := os.Stat(place); !os.IsNotExist(err) {
		t.Fatal(err)
	}
	check(t, Subpaths{}.SafeMakeDir("a/b", volume, 0o755))
	check(t, os.Symlink(pod, volume+"/out"))
	wanted.Path = volume + "/out"
	for _, err := range []error{
		second(Subpaths{}.PrepareSafeSubpath(wanted)),
		Subpaths{}.SafeMakeDir("out/b", volume, 0o755),
	} {
		if err == nil || !strings.Contains(err.Error(), "not within volume path") {
			t.Fatal(err)
		}
	}
}

func second(_ string, _ func(), err error) error { return err }
