package kind

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestWhatEnginesSayIsUnderstood(t *testing.T) {
	for _, test := range []struct {
		name  string
		parse func([]byte) (*engineInfo, error)
		data  string
		want  engineInfo
	}{
		{"Docker", parseDockerInfo, goodInfo, engineInfo{Cgroup: 2, Kernel: "6.8.0-elsewhere", Memory: 16 << 30}},
		{"Docker of an ordinary user", parseDockerInfo, `{"CgroupVersion":"2","CgroupDriver":"systemd","KernelVersion":"6",
			"MemoryLimit":true,"PidsLimit":true,"SecurityOptions":["name=seccomp,profile=default","name=rootless"]}`,
			engineInfo{Cgroup: 2, Kernel: "6", Rootless: true, Missing: []string{"cpu"}}},
		{"Docker without a driver", parseDockerInfo, `{"CgroupVersion":"1","CgroupDriver":"none","KernelVersion":"6",
			"MemoryLimit":true,"CPUShares":true,"CPUSet":true,"PidsLimit":true}`,
			engineInfo{Cgroup: 1, Kernel: "6", Missing: []string{"cpu", "cpuset", "memory", "pids"}}},
		{"Podman", parsePodmanInfo, `{"host":{"cgroupVersion":"v2","kernel":"6","memTotal":4096,"security":{"rootless":true},
			"cgroupControllers":["memory","pids"]}}`,
			engineInfo{Cgroup: 2, Kernel: "6", Memory: 4096, Rootless: true, Missing: []string{"cpu"}}},
		{"Podman before 4", parsePodmanInfo, `{"host":{"cgroupVersion":"v1","kernel":"6","memTotal":4096}}`,
			engineInfo{Cgroup: 1, Kernel: "6", Memory: 4096}},
	} {
		got, err := test.parse([]byte(test.data))
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if got.Cgroup != test.want.Cgroup || got.Kernel != test.want.Kernel || got.Memory != test.want.Memory ||
			got.Rootless != test.want.Rootless || !slices.Equal(got.Missing, test.want.Missing) {
			t.Errorf("%s: got %+v, want %+v", test.name, *got, test.want)
		}
	}
}

func TestWithoutAnEngineItSaysWhatWasTriedAndHowToGoOn(t *testing.T) {
	for _, test := range []struct {
		name, script, provider, host string
		want                         []string
	}{
		{"not running", `echo "Cannot connect to the Docker daemon at unix:///var/run/docker.sock." >&2; exit 1`, "", "",
			[]string{"docker info: Cannot connect", "systemctl start docker"}},
		{"not allowed", `echo "permission denied while trying to connect to the Docker daemon socket" >&2; exit 1`, "", "",
			[]string{"permission denied", "usermod -aG docker"}},
		{"another program", `echo '{"host":{}}'`, "", "", []string{"names no kernel"}},
		{"an error in what is said", `echo '{"ServerErrors":["daemon is ill"]}'`, "", "", []string{"daemon is ill"}},
		{"not installed", "", "podman", "", []string{"looked in PATH for podman", "docs.docker.com"}},
		{"unknown", "", "lxd", "", []string{"KIND_EXPERIMENTAL_PROVIDER", "lxd", "docker, nerdctl, finch or podman"}},
		{"elsewhere", "echo '" + goodInfo + "'", "", "tcp://build.example.com:2376",
			[]string{"DOCKER_HOST", "another machine"}},
		{"elsewhere by a context", `case "$1" in
			info) echo '{"KernelVersion": "6", "ClientInfo": {"Context": "builder"}}' ;;
			context) [ "$5" = builder ] && echo ssh://somebody@build.example.com ;;
			esac`, "", "", []string{"Docker's context builder", "ssh://somebody@build.example.com", "another machine"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			fakeEngine(t, test.script)
			t.Setenv("KIND_EXPERIMENTAL_PROVIDER", test.provider)
			t.Setenv("DOCKER_HOST", test.host)
			_, _, err := find(t.Context())
			for _, want := range test.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want %q in it", err, want)
				}
			}
			if elsewhere := errors.Is(err, errOtherMachine); elsewhere && strings.Contains(err.Error(), "systemctl") {
				t.Errorf("got %v: starting this machine's engine is no help", err)
			}
		})
	}
}

func TestAContextOfThisMachineIsTaken(t *testing.T) {
	fakeEngine(t, `case "$1" in
		info) echo '{"KernelVersion": "6", "ClientInfo": {"Context": "rootless"}}' ;;
		context) echo unix:///run/user/1000/docker.sock ;;
		esac`)
	if e, _, err := find(t.Context()); err != nil || e.program != "docker" {
		t.Errorf("got %v, %v; want docker", e, err)
	}
}

func TestTheFirstEngineThatAnswersIsTaken(t *testing.T) {
	calls := fakeEngine(t, "exit 1")
	fakeProgram(t, calls, "podman", `echo '{"host":{"cgroupVersion":"v2","kernel":"6","memTotal":4096}}'`)
	e, info, err := find(t.Context())
	if err != nil || e.program != "podman" || info.Memory != 4096 {
		t.Errorf("got %v, %+v, %v; want podman", e, info, err)
	}
}

func TestWhatDockerSaysLastOfAStartIsNotWhatIsWrong(t *testing.T) {
	fakeEngine(t, `echo "Error response from daemon: port is already allocated" >&2
		echo "Error: failed to start containers: x" >&2; exit 1`)
	_, err := engine{program: "docker"}.run(t.Context(), "start", "x")
	if err == nil || err.Error() != "docker start x: Error response from daemon: port is already allocated" {
		t.Errorf("got %v", err)
	}
}

func TestRemovingAContainerThatIsNotThereIsNoError(t *testing.T) {
	fakeEngine(t, noContainer)
	if err := (engine{program: "docker"}).remove(t.Context(), "x"); err != nil {
		t.Error(err)
	}
}

func TestOnPodmanTheVolumesOfANodeGoWithIt(t *testing.T) {
	calls := fakeEngine(t, "")
	fakeProgram(t, calls, "podman", `case "$1 $2" in
			"volume ls") echo one; echo two ;;
			"container inspect") echo "Error: no such container x" >&2; exit 1 ;;
			"rm --force") echo "Error: no such container x" >&2; exit 1 ;;
		esac`)
	if err := (engine{program: "podman"}).remove(t.Context(), "demo-control-plane"); err != nil {
		t.Fatal(err)
	}
	made := callsOf(t, calls)
	for _, want := range []string{
		"rm --force --volumes demo-control-plane",
		"volume ls --quiet --filter label=demo-control-plane",
		"volume rm --force one two",
	} {
		if !slices.Contains(made, want) {
			t.Errorf("podman was called with %q: want %q too", made, want)
		}
	}
}

func TestAMissingSocketIsNotAMissingContainer(t *testing.T) {
	fakeEngine(t, `echo "dial unix /var/run/docker.sock: connect: no such file or directory" >&2; exit 1`)
	if node, err := (engine{program: "docker"}).inspect(t.Context(), "x"); err == nil {
		t.Errorf("got %v and no error", node)
	}
}
