package kind

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestWhatAMachineLacksIsNamedAtOnce(t *testing.T) {
	good := machine{
		engineInfo: engineInfo{Cgroup: 2, Kernel: "6.1.0-13-amd64"}, Available: 8 << 30, Local: true,
		Instances: 128, Watches: 8192,
	}
	for _, test := range []struct {
		name   string
		image  string
		config string
		change func(*machine)
		want   []string // nil: nothing is wrong
	}{
		{name: "nothing", change: func(*machine) {}},
		{name: "nothing known of inotify", change: func(m *machine) { m.Instances, m.Watches = 0, 0 }},
		{name: "memory", change: func(m *machine) { m.Available = 3 << 30 },
			want: []string{"3.0 GiB of memory are available", "4 GB"}},
		{name: "memory of a virtual machine", change: func(m *machine) { m.Local, m.Available = false, 2<<30 },
			want: []string{"has 2.0 GiB of memory", "Docker Desktop"}},
		{name: "instances", change: func(m *machine) { m.Instances = 64 },
			want: []string{"max_user_instances is 64", "want 128", "sysctl fs.inotify.max_user_instances=512"}},
		{name: "watches", change: func(m *machine) { m.Watches = 4096 },
			want: []string{"max_user_watches is 4096", "sysctl fs.inotify.max_user_watches=524288"}},
		{name: "kernel", change: func(m *machine) { m.Kernel = "5.4.0-150-generic" },
			want: []string{"5.4.0-150-generic", "5.8 or newer"}},
		{name: "a kernel that does for cgroup v1", image: "kindest/node:v1.34.4",
			change: func(m *machine) { m.Cgroup, m.Kernel = 1, "5.4.0-150-generic" }},
		{name: "old kernel", image: "kindest/node:v1.34.4", change: func(m *machine) { m.Cgroup, m.Kernel = 1, "4.4.0" },
			want: []string{"4.4.0", "4.19 or newer"}},
		{name: "a kernel of an unknown kind", change: func(m *machine) { m.Kernel = "unknown" }},
		{name: "controllers", change: func(m *machine) { m.Missing = []string{"memory"} },
			want: []string{"no cgroup controllers memory", "cgroup_enable"}},
		{name: "controllers of an ordinary user",
			change: func(m *machine) { m.Rootless, m.Missing = true, []string{"cpu", "pids"} },
			want:   []string{"controllers cpu, pids", "Delegate=yes"}},
		{name: "an ordinary user on cgroup v1", change: func(m *machine) { m.Rootless, m.Cgroup = true, 1 },
			want: []string{"ordinary user on cgroup v1"}},
		{name: "cgroup v1 with kind's own image", change: func(m *machine) { m.Cgroup = 1 },
			want: []string{"uses cgroup v1", "kindest/node:v1", "1.34", "failCgroupV1: false"}},
		{name: "cgroup v1 with Kubernetes 1.35", image: "example.com:5000/kindest/node:v1.35.0@sha256:00",
			change: func(m *machine) { m.Cgroup = 1 }, want: []string{"uses cgroup v1"}},
		{name: "cgroup v1 with a kubelet that is told so", config: "kubeadmConfigPatches:\n- |\n  failCgroupV1: false\n",
			change: func(m *machine) { m.Cgroup = 1 }},
		{name: "cgroup v1 with Kubernetes 1.34", image: "example.com:5000/kindest/node:v1.34.4-local",
			change: func(m *machine) { m.Cgroup = 1 }},
		{name: "cgroup v1 with an image that says no version", image: "example.com:5000/kindest/node",
			change: func(m *machine) { m.Cgroup = 1 }},
		{name: "several", change: func(m *machine) { m.Available, m.Instances, m.Missing = 1, 1, []string{"cpu"} },
			want: []string{"of memory", "max_user_instances", "controllers cpu"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := good
			test.change(&m)
			faults := m.faults(Options{Image: test.image, Config: []byte(test.config)})
			if (len(faults) > 0) != (test.want != nil) {
				t.Fatalf("got %v, want %q", faults, test.want)
			}
			for _, want := range test.want {
				if text := errors.Join(faults...).Error(); !strings.Contains(text, want) {
					t.Errorf("%q is not in:\n%s", want, text)
				}
			}
		})
	}
}

func TestCheckNamesEverythingAtOnceAndChangesNothing(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	port := listener.Addr().(*net.TCPAddr).Port
	calls := fakeEngine(t, `case "$1" in
		info) echo '{"CgroupVersion":"1","CgroupDriver":"cgroupfs","KernelVersion":"4.4.0","MemTotal":1073741824}' ;;
		*) `+noContainer+` ;;
	esac`)
	o := testOptions(t)
	o.Ports.HTTP = port
	o.PortMappings = []PortMapping{{HostPort: port, ContainerPort: 80, ListenAddress: "127.0.0.1"}}
	o.Config = fmt.Appendf(nil, "{name: other, nodes: [{extraPortMappings: [{hostPort: %d, containerPort: 81}, {containerPort: 82}]}]}",
		port)
	text := errors.Join(New(o).Check(t.Context())).Error()
	for _, want := range []string{
		"1.0 GiB", "4.4.0", "controllers cpu, cpuset, memory, pids", "name is other", "is asked for twice",
		fmt.Sprintf("port %d, for spec.kind.ports.http: ", port), "spec.kind.portMappings[0]: ", "address already in use",
		"spec.kind.config: nodes[0].extraPortMappings[0]: ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in:\n%s", want, text)
		}
	}
	if _, err := os.Stat(o.Dir); !os.IsNotExist(err) {
		t.Errorf("the folder: %v, want none", err)
	}
	for _, call := range callsOf(t, calls) {
		if !strings.HasPrefix(call, "info ") && !strings.HasPrefix(call, "container inspect ") {
			t.Errorf("called %q", call)
		}
	}
}

func TestCheckDoesNotComplainOfTheHubsOwnCluster(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	port := listener.Addr().(*net.TCPAddr).Port
	for _, id := range []string{"abc", ""} { // finished and interrupted
		calls := fakeEngine(t, `case "$1" in
			container) echo '[{"Id":"abc","State":{"Status":"running"}}]' ;;
			*) exit 1 ;;
		esac`)
		o := testOptions(t)
		o.Ports.HTTP = port
		c := recorded(t, o, func(r *record) { r.Made.Ports.HTTP, r.Node = port, id })
		if err := c.Check(t.Context()); err != nil {
			t.Error(err)
		}
		if called := callsOf(t, calls); len(called) != 1 {
			t.Errorf("called %v, want only what is quick", called)
		}
	}
}

func TestCheckJudgesThePortsOfAStoppedCluster(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	port := listener.Addr().(*net.TCPAddr).Port
	fakeEngine(t, `case "$1" in
		info) echo '`+goodInfo+`' ;;
		container) echo '[{"Id":"abc","State":{"Status":"exited"}}]' ;;
	esac`)
	o := testOptions(t)
	c := recorded(t, o, nil)
	kept := fmt.Sprintf(`{"kubernetes": %d}`, port)
	if err := os.WriteFile(c.portsPath(), []byte(kept), 0o600); err != nil {
		t.Fatal(err)
	}
	err = c.Check(t.Context())
	for _, want := range []string{"spec.kind.ports.kubernetes", "ports.json"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want that the port that was chosen before is taken", err)
		}
	}
}

func TestCheckRefusesWhatBackstackDidNotMake(t *testing.T) {
	for _, test := range []struct {
		name, labels string
		recorded     bool
		want         []string
	}{
		{"a cluster", `{"io.x-k8s.kind.cluster":"demo"}`, false,
			[]string{"kind cluster called demo", "kind delete cluster --name demo"}},
		{"a container", `{}`, false,
			[]string{"container called demo-control-plane", "docker rm --force demo-control-plane"}},
		{"a cluster made anew", `{"io.x-k8s.kind.cluster":"demo"}`, true,
			[]string{"made anew", "kind delete cluster --name demo"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			fakeEngine(t, `case "$1" in
				info) echo '`+goodInfo+`' ;;
				container) echo '[{"Id":"xyz","State":{"Status":"running"},"Config":{"Labels":`+test.labels+`}}]' ;;
			esac`)
			c := New(testOptions(t))
			if test.recorded {
				c = recorded(t, c.options, nil)
			}
			err := c.Check(t.Context())
			for _, want := range test.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want %q in it", err, want)
				}
			}
		})
	}
}

func TestCheckNamesWhatARunningClusterCannotBeChangedIn(t *testing.T) {
	fakeEngine(t, `echo '[{"Id":"abc","State":{"Status":"running"}}]'`)
	o := testOptions(t)
	c := recorded(t, o, func(r *record) { r.Made.Image = "kindest/node:v1.33.0" })
	if err := c.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "spec.kind.image") {
		t.Errorf("got %v, want that the image cannot be changed", err)
	}
}

func TestAPortOfEachProtocolIsSeenToBeTaken(t *testing.T) {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tcp.Close() }()
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = udp.Close() }()
	for _, test := range []struct {
		mapping PortMapping
		taken   bool
	}{
		{PortMapping{HostPort: tcp.Addr().(*net.TCPAddr).Port}, true},
		{PortMapping{HostPort: udp.LocalAddr().(*net.UDPAddr).Port, Protocol: "UDP"}, true},
		{PortMapping{HostPort: 1, Protocol: "SCTP"}, false},
		{PortMapping{HostPort: 0}, false},
	} {
		if err := portTaken(test.mapping); errors.Is(err, syscall.EADDRINUSE) != test.taken {
			t.Errorf("%s: got %v, want taken %t", test.mapping.listens(), err, test.taken)
		}
	}
}

// fakeProc makes a /proc.
func fakeProc(t *testing.T, release string) string {
	t.Helper()
	proc := t.TempDir()
	for name, text := range map[string]string{
		"sys/kernel/osrelease":              release + "\n",
		"sys/fs/inotify/max_user_instances": "128\n",
		"sys/fs/inotify/max_user_watches":   "65536\n",
		"meminfo":                           "MemTotal:  16777216 kB\nMemAvailable: 5242880 kB\nHugePages: 0\n",
	} {
		path := filepath.Join(proc, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return proc
}

func TestOfThisMachineWhatIsAvailableCountsAndOfAnotherAllItsMemory(t *testing.T) {
	said := engineInfo{Kernel: "6.1.0", Memory: 16 << 30}
	here, err := inspectMachine(said, fakeProc(t, "6.1.0"))
	if err != nil || !here.Local || here.Available != 5<<30 || here.Instances != 128 || here.Watches != 65536 {
		t.Errorf("here: got %+v, %v", here, err)
	}
	for name, proc := range map[string]string{"a virtual machine": fakeProc(t, "6.2.0"), "not Linux": t.TempDir()} {
		there, err := inspectMachine(said, proc)
		if err != nil || there.Local || there.Available != 16<<30 || there.Instances != 0 {
			t.Errorf("%s: got %+v, %v", name, there, err)
		}
	}
}
