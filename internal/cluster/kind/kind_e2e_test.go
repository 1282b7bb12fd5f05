//go:build e2e

package kind

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	osexec "os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/back-stack/backstack/internal/cluster/ports"
	"github.com/back-stack/backstack/internal/report"
)

// These tests make clusters with the container engine of this machine. KIND_NODE_IMAGE is the image of their nodes.

// Bounds for a machine that is busy; one that is not takes a tenth of them.
const (
	quick        = time.Second // what a cluster that runs may cost install
	longCreation = 5 * time.Minute
	longDeletion = time.Minute
	longPause    = time.Minute
	longAbort    = 12 * time.Second // with kind left alone, it would be that of a creation
)

// testName is that of the cluster, and of a network that other clusters of this machine do not use.
const testName = "kind-package-e2e"

// realOptions are of a cluster that is to be made, and deleted after the test. HOME is a folder of the test's own.
func realOptions(t *testing.T) Options {
	t.Helper()
	image := os.Getenv("KIND_NODE_IMAGE")
	if image == "" {
		t.Fatal("KIND_NODE_IMAGE is not set: want the image of a node that this machine has or can pull")
	}
	t.Setenv("HOME", t.TempDir())
	t.Setenv("KIND_EXPERIMENTAL_DOCKER_NETWORK", testName)
	o := Options{Name: testName, Dir: filepath.Join(t.TempDir(), "hub"), Image: image}
	before := onEngine(t)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), longDeletion)
		defer cancel()
		begun := time.Now()
		if err := New(o).Delete(ctx); err != nil {
			t.Error(err)
		}
		t.Logf("deleted in %s", time.Since(begun).Round(time.Millisecond))
		if after := onEngine(t); after != before {
			t.Errorf("on the engine there is\n%s\nafter the test and was before\n%s", after, before)
		}
		if left, err := os.ReadDir(o.Dir); err != nil && !errors.Is(err, fs.ErrNotExist) || len(left) > 0 {
			t.Errorf("in the hub's folder there is %v, %v", left, err)
		}
	})
	return o
}

// onEngine lists what there is of these tests: containers and networks by their names, and volumes that no container
// uses.
func onEngine(t *testing.T) string {
	t.Helper()
	var all []string
	for _, args := range [][]string{
		{"ps", "--all", "--filter", "name=" + testName, "--format", "container {{.Names}}"},
		{"network", "ls", "--filter", "name=" + testName, "--format", "network {{.Name}}"},
		{"volume", "ls", "--filter", "dangling=true", "--format", "volume {{.Name}}"},
	} {
		all = append(all, docker(t, args...))
	}
	lines := strings.Split(strings.TrimSpace(strings.Join(all, "")), "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func docker(t *testing.T, args ...string) string {
	t.Helper()
	var stderr bytes.Buffer
	command := osexec.CommandContext(context.Background(), "docker", args...)
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("docker %v: %v: %s", args, err, stderr.String())
	}
	return string(out)
}

// pause freezes a container. On version 1 of control groups the engine cannot while processes in it fork faster than it
// finds them, and says so; a node that has just started does.
func pause(t *testing.T, container string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), longPause)
	defer cancel()
	for {
		out, err := osexec.CommandContext(ctx, "docker", "pause", container).CombinedOutput()
		if err == nil {
			return
		}
		if ctx.Err() != nil || !bytes.Contains(out, []byte("unable to freeze")) {
			t.Fatalf("docker pause %s: %v: %s", container, err, out)
		}
		t.Logf("docker pause %s, once more after: %s", container, out)
	}
}

// ensure checks, prepares and ensures a cluster, and returns whether something was started. It fails if nothing was,
// and took long.
func ensure(t *testing.T, c *Cluster) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), longCreation)
	defer cancel()
	begun := time.Now()
	if err := c.Check(ctx); err != nil {
		t.Fatal(err)
	}
	checked := time.Since(begun)
	if err := c.Prepare(ctx, report.Discard); err != nil {
		t.Fatal(err)
	}
	prepared := time.Since(begun)
	started, err := c.Ensure(ctx, func(s string) { t.Logf("%6.1fs %s", time.Since(begun).Seconds(), s) })
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(begun)
	t.Logf("Check %s, Prepare %s, Ensure %s", checked.Round(time.Millisecond),
		(prepared - checked).Round(time.Millisecond), (took - prepared).Round(time.Millisecond))
	if !started && took > quick {
		t.Errorf("what there was to do took %s, want up to %s", took, quick)
	}
	return started
}

func TestAClusterIsMadeStartedAgainAndDeleted(t *testing.T) {
	o := realOptions(t)
	o.Config = []byte("kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nnodes: [{labels: {tier: hub}}]\n")
	c := New(o)
	if !ensure(t, c) {
		t.Error("nothing was started")
	}
	if err := c.AwaitServices(t.Context()); err != nil {
		t.Error(err)
	}
	if rules := docker(t, "exec", c.node(), "iptables-save", "--table", "nat"); !strings.Contains(rules, "default/kubernetes:https") {
		t.Errorf("the node's rules are\n%s\nwant some for the Service of the API server", rules)
	}
	info, err := os.Stat(c.Kubeconfig())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the kubeconfig: %v, %v; want mode 0600", info, err)
	}
	if _, err := os.Stat(filepath.Join(os.Getenv("HOME"), ".kube")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the user's kubeconfig: %v, want none", err)
	}
	labelled := docker(t, "exec", c.node(), "kubectl", "get", "nodes", "--selector", "tier=hub", "--output", "name")
	if labelled != "node/"+c.node()+"\n" {
		t.Errorf("the nodes with the label are %q", labelled)
	}
	status, err := c.Status(t.Context())
	server := "https://" + ports.Address(c.Ports().Kubernetes)
	if err != nil || !status.Exists || !status.Running || status.Server != server ||
		!strings.HasPrefix(status.Version, "1.") {
		t.Errorf("the status is %+v, %v", status, err)
	}

	again := New(o)
	if ensure(t, again) {
		t.Error("once more, something was started")
	}
	folder := c.DataDir() + "/gitea"
	for range 2 {
		if err := again.EnsureNodeFolder(t.Context(), folder, 1000, 1001); err != nil {
			t.Fatal(err)
		}
	}
	if got := docker(t, "exec", c.node(), "stat", "--format", "%u %g %a", folder); got != "1000 1001 770\n" {
		t.Errorf("the folder is %q", got)
	}
	docker(t, "exec", c.node(), "touch", folder+"/kept")

	docker(t, "stop", c.node())
	if status, err := c.Status(t.Context()); err != nil || !status.Exists || status.Running {
		t.Errorf("the status of a stopped one is %+v, %v", status, err)
	}
	if err := os.Remove(c.Kubeconfig()); err != nil {
		t.Fatal(err)
	}
	if !ensure(t, New(o)) {
		t.Error("nothing was started")
	}
	docker(t, "exec", c.node(), "stat", folder+"/kept")
	pause(t, c.node())
	if !ensure(t, New(o)) {
		t.Error("nothing was started")
	}

	if err := (engine{program: "docker"}).remove(t.Context(), c.node()); err != nil { // as somebody might
		t.Fatal(err)
	}
	if status, err := c.Status(t.Context()); err != nil || status.Exists {
		t.Errorf("the status of a deleted one is %+v, %v", status, err)
	}
	if !ensure(t, New(o)) {
		t.Error("a cluster that somebody deleted was not made anew")
	}
}

func TestACreationThatIsGivenUpLeavesNothing(t *testing.T) {
	for _, at := range []string{
		"preparing nodes", "writing configuration", "starting control-plane", "installing StorageClass",
	} {
		for _, delay := range []time.Duration{0, 250 * time.Millisecond} {
			t.Run(fmt.Sprintf("%s, %s", at, delay), func(t *testing.T) {
				o := realOptions(t)
				before := onEngine(t)
				c := New(o)
				if err := c.Prepare(t.Context(), report.Discard); err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeoutCause(t.Context(), longCreation, errors.New("too late"))
				defer cancel()
				ctx, giveUp := context.WithCancelCause(ctx)
				given := errors.New("given up")
				var begun time.Time
				_, err := c.Ensure(ctx, func(s string) {
					if s == at {
						time.AfterFunc(delay, func() { begun = time.Now(); giveUp(given) })
					}
				})
				if !errors.Is(err, given) {
					t.Fatalf("got %v", err)
				}
				ended := time.Since(begun)
				clean, cancel := context.WithTimeout(context.Background(), longDeletion)
				defer cancel()
				if err := c.Abort(clean); err != nil {
					t.Error(err)
				}
				aborted := time.Since(begun)
				t.Logf("Ensure ended after %s, Abort after %s", ended.Round(time.Millisecond), aborted.Round(time.Millisecond))
				if ended > quick || aborted > longAbort {
					t.Errorf("want Ensure to end within %s, and Abort within %s", quick, longAbort)
				}
				if after := onEngine(t); after != before {
					t.Errorf("on the engine there is\n%s\nand was before\n%s", after, before)
				}
				if r, err := c.readRecord(); err != nil || r != nil {
					t.Errorf("the record is %v, %v", r, err)
				}
			})
		}
	}
}

// killedDir is how the process that is to be killed knows what to make.
const killedDir = "BACKSTACK_E2E_KILLED_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(killedDir); dir != "" {
		c := New(Options{Name: testName, Dir: dir, Image: os.Getenv("KIND_NODE_IMAGE")})
		err := c.Prepare(context.Background(), report.Discard)
		if err == nil {
			_, err = c.Ensure(context.Background(), func(s string) { fmt.Println(s) })
		}
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func TestACreationThatWasKilledIsMadeAnew(t *testing.T) {
	o := realOptions(t)
	command := osexec.CommandContext(t.Context(), os.Args[0])
	command.Env = append(os.Environ(), killedDir+"="+o.Dir)
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(stdout); lines.Scan() && lines.Text() != "starting control-plane"; {
		t.Log(lines.Text())
	}
	if err := command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = command.Wait()
	// What kind leaves if it is killed at the worst of moments.
	if err := os.WriteFile(filepath.Join(o.Dir, "kubeconfig.lock"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	node := docker(t, "inspect", "--format", "{{.Id}}", o.Name+"-control-plane")
	c := New(o)
	if !ensure(t, c) {
		t.Error("nothing was started")
	}
	if docker(t, "inspect", "--format", "{{.Id}}", c.node()) == node {
		t.Error("the node is still that of the creation that was killed")
	}
}

func TestAForeignClusterStays(t *testing.T) {
	o := realOptions(t)
	node := strings.TrimSpace(docker(t, "create", "--name", o.Name+"-control-plane", "--label",
		clusterLabel+"="+o.Name, o.Image))
	defer docker(t, "rm", "--force", "--volumes", node)
	c := New(o)
	if err := c.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "backstack did not make it") {
		t.Errorf("Check: %v", err)
	}
	if err := c.Prepare(t.Context(), report.Discard); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Ensure(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "backstack did not make it") {
		t.Errorf("Ensure: %v", err)
	}
	if err := c.Delete(t.Context()); err != nil {
		t.Error(err)
	}
	if status, err := c.Status(t.Context()); err != nil || status.Exists {
		t.Errorf("the status is %+v, %v", status, err)
	}
	docker(t, "inspect", node)
}

func TestACreationThatFailsSaysWhyAndLeavesNothing(t *testing.T) {
	for _, test := range []struct {
		name    string
		options func(*testing.T, *Options)
		want    []string
	}{
		{"a port that is taken since Check", func(t *testing.T, o *Options) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = listener.Close() })
			o.Ports.HTTP = listener.Addr().(*net.TCPAddr).Port
		}, []string{"address already in use", "kind.log"}},
		{"a file that cannot be mounted", func(_ *testing.T, o *Options) {
			o.Mounts = []Mount{{HostPath: "/dev/null/x", ContainerPath: "/x"}}
		}, []string{"not a directory", "kind.log"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := realOptions(t)
			before := onEngine(t)
			test.options(t, &o)
			c := New(o)
			if err := c.Prepare(t.Context(), report.Discard); err != nil {
				t.Fatal(err)
			}
			_, err := c.Ensure(t.Context(), nil)
			t.Log(err)
			if err != nil && strings.Contains(err.Error(), "--publish") {
				t.Errorf("the error has a command line that nobody asked for: %v", err)
			}
			for _, want := range test.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want %q in it", err, want)
				}
			}
			if after := onEngine(t); after != before {
				t.Errorf("on the engine there is\n%s\nand was before\n%s", after, before)
			}
		})
	}
}

func TestAnImageThatCannotBeHadIsNamedSoon(t *testing.T) {
	o := realOptions(t)
	o.Image = "127.0.0.1:1/kindest/node:v1.34.0"
	begun := time.Now()
	err := New(o).Prepare(t.Context(), report.Discard)
	if took := time.Since(begun); err == nil || !strings.Contains(err.Error(), o.Image) || took > longDeletion {
		t.Errorf("got %v after %s", err, took)
	}
	t.Log(err)
}

func TestANetworkThatWasThereStays(t *testing.T) {
	o := realOptions(t)
	docker(t, "network", "create", testName)
	defer docker(t, "network", "rm", testName)
	ctx, cancel := context.WithTimeout(t.Context(), longCreation)
	defer cancel()
	c := New(o)
	if err := c.Prepare(ctx, report.Discard); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Ensure(ctx, nil); err != nil {
		t.Fatal(err)
	}
	if err := c.Delete(ctx); err != nil {
		t.Fatal(err)
	}
	docker(t, "network", "inspect", testName)
}
