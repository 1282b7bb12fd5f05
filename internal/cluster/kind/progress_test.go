package kind

import (
	"bytes"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"

	kindexec "sigs.k8s.io/kind/pkg/exec"
)

func TestKindsStepsBecomePhrasesAndAllElseIsLogged(t *testing.T) {
	var log bytes.Buffer
	var steps []string
	failed := 0
	p := &progress{
		log: &log, begins: func(step string) { steps = append(steps, step) }, fails: func() { failed++ }, said: func() {},
	}
	p.V(0).Infof("Creating cluster %q ...\n", "demo")
	p.V(0).Infof(" • %s  ...\n", "Ensuring node image (kindest/node:v1.34.4) 🖼️")
	p.V(0).Infof(" ✓ %s\n", "Ensuring node image (kindest/node:v1.34.4) 🖼️")
	p.V(0).Infof(" • %s  ...\n", "Starting control-plane 🕹️")
	p.V(3).Info(" • [kubeadm] hello")
	p.V(4).Info("too much")
	p.Warnf("beware of %s", "dragons")
	p.V(0).Infof(" ✗ %s\n", "Starting control-plane 🕹️")
	want := []string{"ensuring node image (kindest/node:v1.34.4)", "starting control-plane"}
	if !slices.Equal(steps, want) {
		t.Errorf("got the steps %q, want %q", steps, want)
	}
	if failed != 1 {
		t.Errorf("told of %d failures, want 1", failed)
	}
	for _, want := range []string{"Creating cluster \"demo\"", "[kubeadm] hello", "warning: beware of dragons"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("%q is not in the log:\n%s", want, log.String())
		}
	}
	if strings.Contains(log.String(), "too much") {
		t.Errorf("the log has more than wanted:\n%s", log.String())
	}
}

func TestAnErrorOfKindHasWhatItsCommandSaid(t *testing.T) {
	run := func(output string) error {
		return kindexec.RunErrorForError(&kindexec.RunError{
			Command: []string{"docker", "run", "--name", "demo-control-plane"}, Output: []byte(output), Inner: &exec.ExitError{},
		})
	}
	for _, test := range []struct{ output, why, want string }{
		{"abc\ndocker: Error response from daemon: port is already allocated.\n\nRun 'docker run --help' for more\n", "",
			"docker run: Error response from daemon: port is already allocated."},
		{"[init] go\nerror: error execution phase wait-control-plane: timeout\ngoroutine 1\nmain.main()\n", "",
			"docker run: error: error execution phase wait-control-plane: timeout"},
		{"error: timeout", "the kubelet ends with: no", "docker run: the kubelet ends with: no"},
	} {
		if got := describe(run(test.output), test.why); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
	if got := describe(errors.New("no nodes"), ""); got != "no nodes" {
		t.Errorf("got %q", got)
	}
}

func TestAKubeletThatEndsSaysWhy(t *testing.T) {
	journal := `Nov 25 17:00:01 demo kubelet[1]: E1125 run.go:72] "command failed" err="failed to load \"old\""
Nov 25 17:00:02 demo systemd[1]: kubelet.service: Main process exited
Nov 25 17:00:03 demo kubelet[2]: E1125 run.go:72] "command failed" err="kubelet is not to run on \"cgroup v1\""
Nov 25 17:00:04 demo systemd[1]: kubelet.service: Main process exited
`
	want := `the kubelet ends with: kubelet is not to run on "cgroup v1"`
	if got := kubeletFault(journal); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := kubeletFault("all is well"); got != "" {
		t.Errorf("got %q of a kubelet that runs", got)
	}
}
