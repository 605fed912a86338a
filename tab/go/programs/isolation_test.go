package programs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestNothingLeavesTheTree tries to read and change files outside of a machine's tree.
func TestNothingLeavesTheTree(t *testing.T) {
	t.Parallel()
	outside := t.TempDir()
	secret := filepath.Join(outside, "secret")
	if err := os.WriteFile(secret, []byte("SECRET\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	m := newMachine(t)
	root := m.Files.Path("/")
	for link, target := range map[string]string{
		"absolute": secret, "outside": outside, "up": "../../../../../../../../.." + secret,
		"root": "/", "top": "../../../../../../../../../..",
	} {
		if err := os.Symlink(target, filepath.Join(root, "tmp", link)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{
		secret, "/.." + secret, "../../../../../../../../.." + secret, "/tmp/absolute",
		"/tmp/outside/secret", "/tmp/up", "/tmp/root" + secret, "/tmp/top" + secret,
	} {
		for _, command := range []string{
			"cat NAME", "cat < NAME", "echo $(< NAME)", "source NAME", ". NAME", "bash NAME",
			"NAME",
			"head NAME", "grep . NAME", "sed p NAME", "awk 1 NAME", "jq -R . NAME", "sort NAME",
			"cp NAME copy && cat copy", "mv NAME moved && cat moved", "ls -l NAME", "stat NAME",
			"curl -s file://NAME", "curl -s -d @NAME http://127.0.0.1:1", "base64 NAME",
			"curl -sv --cacert NAME https://127.0.0.1:1", "test -e NAME && echo SECRET",
			"[[ -f NAME ]] && echo SECRET", "for f in NAME*; do cat $f; done",
			"openssl x509 -in NAME",
			"echo NAME* | grep -v '*' | tr a-z A-Z", "tail NAME", "readlink -e NAME && echo SECRET",
			"cd $(dirname NAME) && cat secret",
			"read x < NAME; echo $x", "mapfile a < NAME; echo $a",
			"exec 3< NAME; cat <&3", "jq --rawfile x NAME -n '$x'",
			"jq -n -f NAME", "xargs -a NAME",
			"awk 'BEGIN{while((getline l < \"NAME\")>0) print l}'", "cat <(cat NAME)", "wc NAME",
			"curl -s --unix-socket NAME http://x", "env -C $(dirname NAME) cat secret",
			"awk 'BEGIN{system(\"cat NAME\")}'", "type NAME", "command -v NAME",
			"pwd -P; ls -d NAME",
		} {
			line := strings.ReplaceAll(command, "NAME", name)
			ours := runScript(t, m, line)
			if strings.Contains(strings.ReplaceAll(ours.stdout, name, ""), "SECRET") {
				t.Errorf("%s: %+v", line, ours)
			}
		}
		for _, command := range []string{
			"echo changed > NAME", "echo changed >> NAME", "echo changed | tee NAME", "rm -rf NAME",
			"touch NAME", "chmod 777 NAME", "sed -i s/SECRET/changed/ NAME", "ln -sf x NAME",
			"sort -o NAME /etc/hostname", "cp /tmp NAME -r", "curl -o NAME http://127.0.0.1:1",
			"mkdir NAME.d", "echo changed > NAME.new", "mv /tmp/x NAME", "rm -d $(dirname NAME)",
			"TMPDIR=$(dirname NAME) mktemp", "awk 'BEGIN{print \"changed\" > \"NAME\"}'",
			"exec 3>NAME; echo changed >&3", "TMPDIR=$(dirname NAME) bash -c 'cat <(echo x)'",
		} {
			runScript(t, m, strings.ReplaceAll(command, "NAME", name))
		}
		for link := range map[string]bool{"absolute": true, "up": true} {
			os.Remove(filepath.Join(root, "tmp", link))
			os.Symlink(secret, filepath.Join(root, "tmp", link))
		}
	}
	entries, _ := os.ReadDir(outside)
	text, _ := os.ReadFile(secret)
	info, err := os.Stat(secret)
	if err != nil || string(text) != "SECRET\n" || len(entries) != 1 || info.Mode() != 0o600 {
		t.Error(string(text), entries, info, err)
	}
}

func TestEnvironmentIsTheMachines(t *testing.T) {
	t.Setenv("OUTSIDE", "SECRET")
	m := newMachine(t)
	for _, line := range []string{
		"env", "set", "echo $OUTSIDE", "jq -n env.OUTSIDE", "jq -n '$ENV'", "printenv", "export -p",
		"awk 'BEGIN{print ENVIRON[\"OUTSIDE\"]}'", "declare -p OUTSIDE", "python3 --version",
		"/bin/ls --version",
		"exec /usr/bin/python3 -c 'print(\"SECRET\")'", "command python3 --version", "node -e 1",
	} {
		if ours := runScript(t, m, line); strings.Contains(ours.stdout, "SECRET") ||
			strings.Contains(ours.stdout, "Python 3") || strings.Contains(ours.stdout, "GNU") {
			t.Errorf("%s: %+v", line, ours)
		}
	}
}

// TestLinksOfAVolume reads files as the kubelet writes them: by a link to a link.
func TestLinksOfAVolume(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	volume := t.TempDir()
	files := m.Files.(tree)
	const isReadOnly = "Read-only file system\n"
	const at = "/var/run/secrets/kubernetes.io/serviceaccount"
	files.volumes, files.readOnly = map[string]string{at: volume}, at
	m.Files = files
	os.Mkdir(filepath.Join(volume, "..2026"), 0o755)
	os.WriteFile(filepath.Join(volume, "..2026", "token"), []byte("abc"), 0o600)
	os.Symlink("..2026", filepath.Join(volume, "..data"))
	os.Symlink("..data/token", filepath.Join(volume, "token"))
	os.Symlink("/etc/motd", filepath.Join(volume, "motd"))
	os.WriteFile(m.Files.Path("/etc/motd"), []byte("welcome\n"), 0o600)
	for line, want := range map[string]string{
		"cat " + at + "/token":                         "abc",
		"cd " + at + "; cat token; cat ./..data/token": "abcabc",
		"cat " + at + "/motd":                          "welcome\n",
		"ls " + at:                                     "motd\ntoken\n",
		"readlink " + at + "/token":                    "..data/token\n",
		"readlink -f " + at + "/token":                 at + "/..2026/token\n",
		"echo x > " + at + "/new 2>&1 || echo no":      "no\n",
		"cd " + at + "; rm token 2>&1":                 "rm: cannot remove 'token': " + isReadOnly,
		"cd " + at + "; touch x 2>&1":                  "touch: cannot touch 'x': " + isReadOnly,
		"test -w " + at + "/token || echo no":          "no\n",
		"cd " + at + "/..data; cat ../token; pwd":      "abc" + at + "/..data\n",
		"cd; ln -s l l; cat l 2>&1 | cut -c1-24":       "cat: l: Too many levels \n",
	} {
		ours := runScript(t, m, line)
		if ours.stdout != want {
			t.Errorf("%s: %+v", line, ours)
		}
	}
}

func TestAPanicEndsTheProgram(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.Programs["bad"] = program(func(*run) int { panic("a fault") })
	ours := runScript(t, m, "bad; echo $?; bad | cat")
	want := strings.Repeat("bad: the program ended: a fault\n", 2)
	if ours.stdout != "139\n" || ours.stderr != want {
		t.Error(ours)
	}
}
