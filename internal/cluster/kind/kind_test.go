package kind

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/back-stack/backstack/internal/cluster"
	"github.com/back-stack/backstack/internal/report"
)

var update = flag.Bool("update", false, "write what is rendered to the golden files in testdata")

// fakeEngine puts a program called docker into PATH that does what script says, and nothing else that is an engine.
// What it is called with is appended to the file that is returned.
func fakeEngine(t *testing.T, script string) (calls string) {
	t.Helper()
	dir := t.TempDir()
	calls = filepath.Join(dir, "calls")
	fakeProgram(t, calls, "docker", script)
	// What the scripts need of the system is in the shell.
	if err := os.Symlink("/bin/sh", filepath.Join(dir, "sh")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	t.Setenv("KIND_EXPERIMENTAL_PROVIDER", "")
	t.Setenv("DOCKER_HOST", "")
	t.Setenv("KIND_EXPERIMENTAL_DOCKER_NETWORK", "")
	return calls
}

// fakeProgram adds the program of another engine beside fakeEngine's, which writes its calls to the same file.
func fakeProgram(t *testing.T, calls, name, script string) {
	t.Helper()
	text := "#!/bin/sh\necho \"$*\" >>" + calls + "\n" + script
	if err := os.WriteFile(filepath.Join(filepath.Dir(calls), name), []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

func callsOf(t *testing.T, path string) []string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return strings.FieldsFunc(string(data), func(r rune) bool { return r == '\n' })
}

// Parts of scripts.
const (
	goodInfo = `{"CgroupVersion":"2","CgroupDriver":"systemd","KernelVersion":"6.8.0-elsewhere",` +
		`"MemTotal":17179869184,"MemoryLimit":true,"CPUShares":true,"CPUSet":true,"PidsLimit":true,` +
		`"SecurityOptions":["name=seccomp,profile=default"]}`
	noContainer = `echo "Error response from daemon: No such container: x" >&2; exit 1`
)

func testOptions(t *testing.T) Options {
	t.Helper()
	return Options{Name: "demo", Dir: filepath.Join(t.TempDir(), "demo"), Image: "kindest/node:v1.34.4"}
}

// recorded makes the record of a cluster with the node of ID abc on the API server's port 6550.
func recorded(t *testing.T, o Options, change func(*record)) *Cluster {
	t.Helper()
	c := New(o)
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	r := &record{Engine: "docker", Node: "abc", Version: "1.34.4", Made: made{
		Image: o.Image, Ports: Ports{Kubernetes: 6550, HTTP: 8080, HTTPS: 8443},
		PortMappings: o.PortMappings, Mounts: o.Mounts, Config: string(o.Config),
	}}
	if change != nil {
		change(r)
	}
	if err := c.writeRecord(r); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestPrepareKeepsPortsInAFolderOfTheUserAlone(t *testing.T) {
	fakeEngine(t, `case "$1" in info) echo '`+goodInfo+`' ;; image) ;; *) `+noContainer+` ;; esac`)
	o := testOptions(t)
	o.Ports.HTTP = 8080
	first := New(o)
	if err := first.Prepare(t.Context(), report.Discard); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(o.Dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder is %v, %v; want mode 0700", info.Mode(), err)
	}
	chosen := first.Ports()
	if chosen.HTTP != 8080 || chosen.Kubernetes == 0 || chosen.HTTPS == 0 || chosen.Kubernetes == chosen.HTTPS {
		t.Errorf("chose %+v, want HTTP as asked and two others", chosen)
	}
	o.Ports.HTTP = 0
	second := New(o)
	if err := second.Prepare(t.Context(), report.Discard); err != nil {
		t.Fatal(err)
	}
	if second.Ports() != chosen {
		t.Errorf("chose %+v the second time, want %+v", second.Ports(), chosen)
	}
}

func TestPrepareKeepsThePortsOfTheClusterThatThereIs(t *testing.T) {
	fakeEngine(t, `echo '[{"Id":"abc","State":{"Status":"running"}}]'`)
	c := recorded(t, testOptions(t), nil)
	if err := c.Prepare(t.Context(), report.Discard); err != nil {
		t.Fatal(err)
	}
	if want := (Ports{Kubernetes: 6550, HTTP: 8080, HTTPS: 8443}); c.Ports() != want {
		t.Errorf("got %+v, want %+v", c.Ports(), want)
	}
}

func TestPreparePullsAnImageThatIsNotThere(t *testing.T) {
	calls := fakeEngine(t, `case "$1" in
		info) echo '`+goodInfo+`' ;;
		image) echo "Error: No such image: x" >&2; exit 1 ;;
		pull) echo pulling; echo "Error response from daemon: manifest unknown" >&2; exit 1 ;;
		*) `+noContainer+` ;;
	esac`)
	var steps []string
	to := report.Func(func(e report.Event) { steps = append(steps, string(e.State)) })
	err := New(testOptions(t)).Prepare(t.Context(), to)
	for _, want := range []string{"kindest/node:v1.34.4", "manifest unknown", "spec.kind.image", "docker images"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want %q in it", err, want)
		}
	}
	pulls := slices.DeleteFunc(callsOf(t, calls), func(s string) bool { return !strings.HasPrefix(s, "pull") })
	if len(pulls) != 1 {
		t.Errorf("pulled %d times, want once: %v", len(pulls), pulls)
	}
	if len(steps) == 0 || steps[len(steps)-1] != string(report.Failed) {
		t.Errorf("reported %v, want a failure at the end", steps)
	}
}

func TestStatusOfAnEngineThatDoesNotAnswerIsNoError(t *testing.T) {
	fakeEngine(t, `echo "Cannot connect to the Docker daemon at unix:///var/run/docker.sock." >&2; exit 1`)
	got, err := recorded(t, testOptions(t), nil).Status(t.Context())
	want := cluster.Status{Exists: true, Version: "1.34.4", Server: "https://127.0.0.1:6550"}
	if err != nil || got.Exists != want.Exists || got.Running || got.Version != want.Version || got.Server != want.Server {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}

func TestStatusSaysWhatThereIs(t *testing.T) {
	for _, test := range []struct {
		name, inspect   string
		exists, running bool
	}{
		{"running", `echo '[{"Id":"abc","State":{"Status":"running"}}]'`, true, true},
		{"stopped", `echo '[{"Id":"abc","State":{"Status":"exited"}}]'`, true, false},
		{"deleted by somebody", noContainer, false, false},
		{"made anew by somebody", `echo '[{"Id":"xyz","State":{"Status":"running"}}]'`, false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			fakeEngine(t, test.inspect)
			got, err := recorded(t, testOptions(t), nil).Status(t.Context())
			if err != nil || got.Exists != test.exists || got.Running != test.running {
				t.Errorf("got %+v, %v; want exists %t, running %t", got, err, test.exists, test.running)
			}
		})
	}
	t.Run("nothing", func(t *testing.T) {
		calls := fakeEngine(t, "")
		if got, err := New(testOptions(t)).Status(t.Context()); err != nil || got.Exists || len(callsOf(t, calls)) > 0 {
			t.Errorf("got %+v, %v after %v; want nothing, and no engine asked", got, err, callsOf(t, calls))
		}
	})
}

func TestDeleteWithoutARecordAsksNoEngine(t *testing.T) {
	calls := fakeEngine(t, "exit 1")
	o := testOptions(t)
	for range 2 {
		if err := New(o).Delete(t.Context()); err != nil {
			t.Error(err)
		}
		if err := os.MkdirAll(o.Dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if called := callsOf(t, calls); len(called) > 0 {
		t.Errorf("called %v", called)
	}
}

func TestTheNetworkBelongsToTheHubThatIsRemovedLast(t *testing.T) {
	for _, test := range []struct {
		name, there string // the networks that there are
		sibling     *record
		want        string
	}{
		{"none was there", "bridge", nil, "kind"},
		{"one was there", "bridge; echo kind", nil, ""},
		{"another hub made it", "bridge; echo kind", &record{Engine: "docker", Network: "kind"}, "kind"},
		{"another hub found it", "bridge; echo kind", &record{Engine: "docker"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			fakeEngine(t, `case "$1 $2" in "network ls") echo `+test.there+` ;; esac`)
			hubs := t.TempDir()
			for _, name := range []string{"mine", "others"} {
				if err := os.Mkdir(filepath.Join(hubs, name), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			if test.sibling != nil {
				if err := New(Options{Name: "others", Dir: filepath.Join(hubs, "others")}).writeRecord(test.sibling); err != nil {
					t.Fatal(err)
				}
			}
			mine := New(Options{Name: "mine", Dir: filepath.Join(hubs, "mine")})
			for range 2 { // an install that is run again after an interruption
				if made, err := mine.newRecord(t.Context(), engine{program: "docker"}); err != nil || made.Network != test.want {
					t.Fatalf("%+v, %v; want the network %q", made, err, test.want)
				}
			}
		})
	}
}

func TestDeleteLeavesWhatBackstackDidNotMake(t *testing.T) {
	for _, test := range []struct {
		name, inspect, users string
		network              string
		removed              []string
	}{
		{"the hub's own", `[{"Id":"abc","State":{"Status":"running"}}]`, "", "kind", []string{"rm", "network rm"}},
		{"a network that was there", `[{"Id":"abc","State":{"Status":"running"}}]`, "", "", []string{"rm"}},
		{"a network that others use", `[{"Id":"abc","State":{"Status":"running"}}]`, "other", "kind", []string{"rm"}},
		{"another cluster of that name", `[{"Id":"xyz","State":{"Status":"running"}}]`, "xyz", "kind", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			calls := fakeEngine(t, `case "$1 $2" in
				"container inspect") echo '`+test.inspect+`' ;;
				"ps --all") echo `+test.users+` ;;
				"network ls") echo bridge; echo kind ;;
			esac`)
			o := testOptions(t)
			c := recorded(t, o, func(r *record) { r.Network = test.network })
			for _, name := range []string{"kubeconfig", "kind.log", "ports.json"} {
				if err := os.WriteFile(filepath.Join(o.Dir, name), []byte("{}"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := c.writeNodeFiles(); err != nil {
				t.Fatal(err)
			}
			if err := c.Delete(t.Context()); err != nil {
				t.Fatal(err)
			}
			var removed []string
			for _, call := range callsOf(t, calls) {
				for _, verb := range []string{"rm", "network rm"} {
					if strings.HasPrefix(call, verb+" ") {
						removed = append(removed, verb)
					}
				}
			}
			if !slices.Equal(removed, test.removed) {
				t.Errorf("removed %v, want %v", removed, test.removed)
			}
			if left, err := os.ReadDir(o.Dir); err != nil || len(left) > 0 {
				t.Errorf("left %v, %v", left, err)
			}
		})
	}
}

func TestDeleteKeepsItsRecordWhileTheEngineDoesNotAnswer(t *testing.T) {
	fakeEngine(t, `echo "Cannot connect to the Docker daemon at unix:///var/run/docker.sock." >&2; exit 1`)
	c := recorded(t, testOptions(t), nil)
	err := c.Delete(t.Context())
	if err == nil || !strings.Contains(err.Error(), "systemctl start docker") {
		t.Errorf("the error is %v, want how to start Docker", err)
	}
	if r, err := c.readRecord(); err != nil || r == nil {
		t.Errorf("the record is %v, %v; want it to be kept", r, err)
	}
}

func TestEnsureRefusesAForeignCluster(t *testing.T) {
	calls := fakeEngine(t, `case "$1" in
		info) echo '`+goodInfo+`' ;;
		container) echo '[{"Id":"xyz","State":{"Status":"running"},"Config":{"Labels":{"io.x-k8s.kind.cluster":"demo"}}}]' ;;
	esac`)
	o := testOptions(t)
	started, err := New(o).Ensure(t.Context(), nil)
	if started || err == nil || !strings.Contains(err.Error(), "did not make it") {
		t.Errorf("got %t, %v; want it to be refused", started, err)
	}
	for _, call := range callsOf(t, calls) {
		if !strings.HasPrefix(call, "info ") && !strings.HasPrefix(call, "container inspect ") {
			t.Errorf("called %q", call)
		}
	}
}

func TestANodeFolderIsMadeOnTheNode(t *testing.T) {
	calls := fakeEngine(t, "")
	c := recorded(t, testOptions(t), nil)
	if err := c.EnsureNodeFolder(t.Context(), c.DataDir()+"/gitea", 1000, 1001); err != nil {
		t.Fatal(err)
	}
	want := "exec demo-control-plane install -d -m 0770 -o 1000 -g 1001 /var/lib/backstack/gitea"
	if called := callsOf(t, calls); !slices.Equal(called, []string{want}) {
		t.Errorf("called %v, want %s", called, want)
	}
	for _, path := range []string{"gitea", "/var/lib/../gitea", ""} {
		if err := c.EnsureNodeFolder(t.Context(), path, 0, 0); err == nil {
			t.Errorf("the folder %q is made, want an error", path)
		}
	}
}

func TestACommandEndsWithItsContext(t *testing.T) {
	fakeEngine(t, "while :; do :; done")
	c := recorded(t, testOptions(t), nil)
	deadline := 100 * time.Millisecond
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	begun := time.Now()
	if _, err := c.Status(ctx); err == nil {
		t.Error("got no error, want that the time is over")
	}
	if took := time.Since(begun); took > deadline+killDelay {
		t.Errorf("took %s", took)
	}
}
