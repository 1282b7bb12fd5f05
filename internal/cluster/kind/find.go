package kind

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	osexec "os/exec"
	"slices"
	"strings"
)

// find returns the container engine to make a cluster with, and what it says of itself: the one that
// KIND_EXPERIMENTAL_PROVIDER names, as for kind itself, or the first that answers.
func find(ctx context.Context) (engine, *engineInfo, error) {
	candidates := programs()
	if asked := os.Getenv("KIND_EXPERIMENTAL_PROVIDER"); asked != "" {
		if !slices.Contains(candidates, asked) {
			return engine{}, nil, fmt.Errorf("KIND_EXPERIMENTAL_PROVIDER is %q: want docker, nerdctl, finch or podman, or "+
				"nothing to have the first of them taken that answers", asked)
		}
		candidates = []string{asked}
	}
	var installed []error
	for _, program := range candidates {
		if _, err := osexec.LookPath(program); err != nil {
			continue
		}
		e := engine{program: program}
		info, err := e.info(ctx)
		if err == nil {
			return e, info, nil
		}
		if ctx.Err() != nil {
			return engine{}, nil, context.Cause(ctx)
		}
		if !errors.Is(err, errOtherMachine) { // which says what would be right
			err = fmt.Errorf("%w; %s", err, e.advice(err))
		}
		installed = append(installed, err)
	}
	if len(installed) == 0 {
		return engine{}, nil, fmt.Errorf("no container engine is installed, and the node of a kind cluster is a container "+
			"(looked in PATH for %s): install Docker, https://docs.docker.com/engine/install", strings.Join(candidates, ", "))
	}
	return engine{}, nil, fmt.Errorf("no container engine answers, and the node of a kind cluster is a container: %w",
		errors.Join(installed...))
}

// advice says what would make an engine answer.
func (e engine) advice(err error) string {
	if strings.Contains(err.Error(), "permission denied") {
		return fmt.Sprintf("this user may not use %s: `sudo usermod -aG %[1]s $USER`, and log in again", e.program)
	}
	switch e.program {
	case "docker":
		return "start it with `sudo systemctl start docker`, or start Docker Desktop"
	case "podman":
		return "start its machine with `podman machine start`, or see what `podman info` says"
	case "finch":
		return "start its machine with `finch vm start`"
	}
	return "start containerd with `sudo systemctl start containerd`, or see what `nerdctl info` says"
}

// engineInfo is what an engine says of itself and of the machine that containers run on.
type engineInfo struct {
	Cgroup   int      // the version of cgroups
	Kernel   string   // its release
	Memory   uint64   // of the machine, in bytes
	Rootless bool     // whether it runs as an ordinary user
	Missing  []string // controllers of cgroups that a node needs and the engine cannot give it
	Context  string   // what Docker's program calls the engine that it talks to; empty if it does not say
}

// needed are the controllers of cgroups without which a kubelet does not run. An engine of an ordinary user is often
// not given cpuset, and a kubelet in a user namespace does without.
func (i *engineInfo) needed() []string {
	if i.Rootless {
		return []string{"cpu", "memory", "pids"}
	}
	return []string{"cpu", "cpuset", "memory", "pids"}
}

// info asks an engine about itself.
func (e engine) info(ctx context.Context) (*engineInfo, error) {
	variable := map[string]string{"docker": "DOCKER_HOST", "podman": "CONTAINER_HOST"}[e.program]
	if variable != "" {
		if err := onThisMachine(variable, os.Getenv(variable)); err != nil {
			return nil, err
		}
	}
	format, parse := "{{json .}}", parseDockerInfo
	if e.program == "podman" {
		format, parse = "json", parsePodmanInfo
	}
	out, err := e.run(ctx, "info", "--format", format)
	if err != nil {
		return nil, err
	}
	info, err := parse(out)
	if err != nil {
		return nil, fmt.Errorf("reading what `%s info` says: %w", e.program, err)
	}
	return info, e.checkContext(ctx, info.Context)
}

// defaultContext is what Docker calls the engine that DOCKER_HOST, or nothing, names.
// https://docs.docker.com/engine/manage-resources/contexts/
const defaultContext = "default"

// checkContext says what is wrong if a context of Docker's is another machine's.
func (e engine) checkContext(ctx context.Context, name string) error {
	if name == "" || name == defaultContext {
		return nil
	}
	address, err := e.run(ctx, "context", "inspect", "--format", "{{.Endpoints.docker.Host}}", name)
	if err != nil {
		return err
	}
	return onThisMachine("the host of Docker's context "+name, strings.TrimSpace(string(address)))
}

// errOtherMachine says that an engine is not this machine's.
var errOtherMachine = errors.New("another machine")

// onThisMachine says what is wrong if an engine's address, which what names, is another machine's: the ports of a cluster's
// node are on the engine's loopback address, and nothing here would reach them.
func onThisMachine(what, text string) error {
	address, err := url.Parse(text)
	if err != nil {
		return fmt.Errorf("reading %s: %w", what, err)
	}
	host := address.Hostname()
	if ip := net.ParseIP(host); host == "" || host == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("%s is %s, which is %w, and a hub would not be reached there: want an engine of this machine",
		what, address.Redacted(), errOtherMachine)
}

// parseDockerInfo reads what Docker and nerdctl say.
func parseDockerInfo(data []byte) (*engineInfo, error) {
	var said struct {
		CgroupVersion   string
		CgroupDriver    string
		KernelVersion   string
		MemTotal        uint64
		MemoryLimit     bool
		CPUShares       bool
		CPUSet          bool
		PidsLimit       bool
		SecurityOptions []string
		ServerErrors    []string
		ClientInfo      struct{ Context string }
	}
	if err := json.Unmarshal(data, &said); err != nil {
		return nil, err
	}
	if len(said.ServerErrors) > 0 {
		return nil, errors.New(strings.Join(said.ServerErrors, ", "))
	}
	if said.KernelVersion == "" {
		return nil, errors.New("it names no kernel: is the program another one under this name?")
	}
	info := &engineInfo{Cgroup: 1, Kernel: said.KernelVersion, Memory: said.MemTotal, Context: said.ClientInfo.Context}
	if said.CgroupVersion == "2" {
		info.Cgroup = 2
	}
	for _, option := range said.SecurityOptions {
		info.Rootless = info.Rootless || slices.Contains(strings.Split(option, ","), "name=rootless")
	}
	has := map[string]bool{
		"memory": said.MemoryLimit, "cpu": said.CPUShares, "cpuset": said.CPUSet, "pids": said.PidsLimit,
	}
	for _, controller := range info.needed() {
		// Without a driver, what it says of controllers means nothing (https://github.com/moby/moby/issues/42151).
		if said.CgroupDriver == "none" || !has[controller] {
			info.Missing = append(info.Missing, controller)
		}
	}
	return info, nil
}

// parsePodmanInfo reads what Podman says.
func parsePodmanInfo(data []byte) (*engineInfo, error) {
	var said struct {
		Host struct {
			CgroupVersion     string   `json:"cgroupVersion"`
			CgroupControllers []string `json:"cgroupControllers"` // since Podman 4
			Kernel            string   `json:"kernel"`
			MemTotal          uint64   `json:"memTotal"`
			Security          struct {
				Rootless bool `json:"rootless"`
			} `json:"security"`
		} `json:"host"`
	}
	if err := json.Unmarshal(data, &said); err != nil {
		return nil, err
	}
	if said.Host.Kernel == "" {
		return nil, errors.New("it names no kernel: is the program another one under this name?")
	}
	info := &engineInfo{
		Cgroup: 1, Kernel: said.Host.Kernel, Memory: said.Host.MemTotal, Rootless: said.Host.Security.Rootless,
	}
	if said.Host.CgroupVersion == "v2" {
		info.Cgroup = 2
	}
	for _, controller := range info.needed() {
		if said.Host.CgroupControllers != nil && !slices.Contains(said.Host.CgroupControllers, controller) {
			info.Missing = append(info.Missing, controller)
		}
	}
	return info, nil
}
