package kind

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	osexec "os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"sigs.k8s.io/kind/pkg/cluster"
	"sigs.k8s.io/kind/pkg/log"
)

// engine is a container engine, spoken to through its command-line program as kind's library does: that way all of the
// user's settings, such as Docker's contexts, hold for both.
type engine struct {
	program string
}

// programs are those of the engines that kind's library knows, in its order of preference. finch is nerdctl under
// another name.
func programs() []string { return []string{"docker", "nerdctl", "finch", "podman"} }

// library is kind's library on this engine.
func (e engine) library(logger log.Logger) *cluster.Provider {
	option := cluster.ProviderWithNerdctl(e.program)
	switch e.program {
	case "docker":
		option = cluster.ProviderWithDocker()
	case "podman":
		option = cluster.ProviderWithPodman()
	}
	return cluster.NewProvider(option, cluster.ProviderWithLogger(logger))
}

// exitError is a command of the engine that failed.
type exitError struct {
	command string // the program and its command: docker start
	output  string // what it said about that
	err     error
}

func (e *exitError) Error() string {
	if e.output == "" {
		return fmt.Sprintf("%s: %v", e.command, e.err)
	}
	return fmt.Sprintf("%s: %s", e.command, e.output)
}

func (e *exitError) Unwrap() error { return e.err }

// absentObject says whether a command failed because there is no such container or image. The engines have no exit
// status for that, so their words must do; "no such file" is not among them: that is a missing socket.
func absentObject(err error) bool {
	e := new(exitError)
	if !errors.As(err, &e) {
		return false
	}
	output := strings.ToLower(e.output)
	return slices.ContainsFunc([]string{"no such container", "no such image", "no such object", "image not known"},
		func(words string) bool { return strings.Contains(output, words) })
}

// killDelay is how long a command that was told to end may take to.
const killDelay = 2 * time.Second

// command prepares a command of the engine; when ctx ends, it ends.
func (e engine) command(ctx context.Context, args ...string) *osexec.Cmd {
	command := osexec.CommandContext(ctx, e.program, args...)
	command.WaitDelay = killDelay
	return command
}

// run runs a command of the engine and returns what it prints.
func (e engine) run(ctx context.Context, args ...string) ([]byte, error) {
	command := e.command(ctx, args...)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	err := command.Run()
	return stdout.Bytes(), e.failure(ctx, args, stderr.String(), err)
}

// failure makes an error of how a command ended; nil if it ended well.
func (e engine) failure(ctx context.Context, args []string, stderr string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		err, stderr = context.Cause(ctx), ""
	}
	isFlag := func(s string) bool { return strings.HasPrefix(s, "-") }
	words := slices.DeleteFunc(slices.Clone(args[:min(2, len(args))]), isFlag)
	return &exitError{command: e.program + " " + strings.Join(words, " "), output: lastLine(stderr), err: err}
}

// lastLine is the last line of text that says something: that is where the engines say what is wrong. Docker ends with
// advice to read its manual, and with that it could not do what it was told to.
func lastLine(text string) string {
	last := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.Contains(line, "--help") && !strings.HasPrefix(line, "Error: failed to start containers") {
			last = line
		}
	}
	return last
}

// container is what is asked about a container. All three engines describe it in Docker's way.
type container struct {
	ID    string `json:"Id"`
	State struct {
		Status string // created, running, paused, restarting, removing, exited, dead
	}
	Config struct {
		Labels map[string]string
	}
	HostConfig struct {
		PortBindings map[string][]struct {
			HostPort string
		}
	}
}

// clusterLabel is what kind puts on the containers of a cluster; its value is the cluster's name.
const clusterLabel = "io.x-k8s.kind.cluster"

// apiPort is the port of this machine that leads to the API server; 0 if the engine does not say.
func (c *container) apiPort() int {
	bindings := c.HostConfig.PortBindings["6443/tcp"]
	if len(bindings) == 0 {
		return 0
	}
	port, err := strconv.Atoi(bindings[0].HostPort)
	if err != nil {
		return 0
	}
	return port
}

// inspect describes a container; nil if there is none of that name.
func (e engine) inspect(ctx context.Context, name string) (*container, error) {
	out, err := e.run(ctx, "container", "inspect", name)
	if absentObject(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []container
	err = json.Unmarshal(out, &list)
	if err == nil && len(list) != 1 {
		err = fmt.Errorf("got %d containers, want one", len(list))
	}
	if err != nil {
		return nil, fmt.Errorf("reading what %s says of container %s: %w", e.program, name, err)
	}
	return &list[0], nil
}

// remove removes a cluster's node, running or not, with its volumes. One that is not there is no error.
func (e engine) remove(ctx context.Context, name string) error {
	if found, err := e.inspect(ctx, name); err == nil && found != nil {
		defer thawing(ctx, freezers, found.ID)()
	}
	if e.program == "podman" {
		_, _ = e.run(ctx, "kill", name) // or it is asked to end, and has ten seconds, which a node makes nothing of
	}
	_, err := e.run(ctx, "rm", "--force", "--volumes", name)
	if err != nil && !absentObject(err) {
		return err
	}
	if e.program == "podman" {
		return e.removeVolumes(ctx, name)
	}
	return nil
}

// removeVolumes removes what kind makes on Podman for the /var of a node: a volume with a name, which does not go with the
// node, and whose label is the name of the node.
func (e engine) removeVolumes(ctx context.Context, node string) error {
	out, err := e.run(ctx, "volume", "ls", "--quiet", "--filter", "label="+node)
	if err != nil {
		return err
	}
	if volumes := strings.Fields(string(out)); len(volumes) > 0 {
		_, err = e.run(ctx, append([]string{"volume", "rm", "--force"}, volumes...)...)
	}
	return err
}

// exec runs a command in a container and returns what it prints.
func (e engine) exec(ctx context.Context, name string, args ...string) ([]byte, error) {
	return e.run(ctx, append([]string{"exec", name}, args...)...)
}

// hasImage says whether an image is there, so that kind does not pull it.
func (e engine) hasImage(ctx context.Context, image string) (bool, error) {
	_, err := e.run(ctx, "image", "inspect", "--format", "{{.Id}}", image)
	if absentObject(err) {
		return false, nil
	}
	return err == nil, err
}

// pull pulls an image and tells of its progress line by line.
func (e engine) pull(ctx context.Context, image string, progress func(string)) error {
	args := []string{"pull", image}
	command := e.command(ctx, args...)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	stdout, err := command.StdoutPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return e.failure(ctx, args, "", err)
	}
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		progress(lines.Text())
	}
	err = errors.Join(lines.Err(), command.Wait()) // only then, all of stderr is there
	return e.failure(ctx, args, stderr.String(), err)
}

// networkName is the network that kind's library puts nodes on.
func (e engine) networkName() string {
	variable := map[string]string{
		"docker": "KIND_EXPERIMENTAL_DOCKER_NETWORK", "podman": "KIND_EXPERIMENTAL_PODMAN_NETWORK",
	}[e.program]
	if name := os.Getenv(variable); variable != "" && name != "" {
		return name
	}
	return "kind"
}

func (e engine) hasNetwork(ctx context.Context, name string) (bool, error) {
	out, err := e.run(ctx, "network", "ls", "--format", "{{.Name}}")
	return slices.Contains(strings.Fields(string(out)), name), err
}

// removeUnusedNetwork removes a network unless a container is on it, be it stopped.
func (e engine) removeUnusedNetwork(ctx context.Context, name string) error {
	out, err := e.run(ctx, "ps", "--all", "--quiet", "--filter", "network="+name)
	if err != nil || len(bytes.TrimSpace(out)) > 0 {
		return err
	}
	found, err := e.hasNetwork(ctx, name)
	if err != nil || !found {
		return err
	}
	_, err = e.run(ctx, "network", "rm", name)
	return err
}
