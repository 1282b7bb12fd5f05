package stage

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
)

// docker runs the docker command and returns what it writes.
func docker(ctx context.Context, args ...string) (string, error) { return dockerIn(ctx, nil, args...) }

// dockerIn is docker with something to read.
func dockerIn(ctx context.Context, input []byte, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "docker", args...)
	// What the script of a machine without a registry installs has no BuildKit.
	cmd.Env = append(os.Environ(), "DOCKER_BUILDKIT=0")
	cmd.Stdin = bytes.NewReader(input)
	var out, words bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &words
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
		return "", fmt.Errorf("docker %s: %w: %s", args[0], err, strings.TrimSpace(words.String()))
	}
	return strings.TrimSpace(out.String()), nil
}

// dockerImage is what docker knows of an image.
type dockerImage struct {
	ID     string `json:"Id"`
	Config struct {
		Entrypoint []string
		Cmd        []string
	}
}

// errNoImage is why an image is not found.
var errNoImage = errors.New("docker has no such image")

func inspectImage(ctx context.Context, name string) (*dockerImage, error) {
	// Listing tells an image that is not there from a docker that does not answer.
	id, err := docker(ctx, "images", "--quiet", "--no-trunc", name)
	if err != nil {
		return nil, fmt.Errorf("looking for the image %s: %w", name, err)
	}
	if id == "" {
		return nil, fmt.Errorf("looking for the image %s: %w", name, errNoImage)
	}
	out, err := docker(ctx, "image", "inspect", name)
	if err != nil {
		return nil, fmt.Errorf("looking for the image %s: %w", name, err)
	}
	var found []dockerImage
	if err := json.Unmarshal([]byte(out), &found); err != nil || len(found) != 1 {
		return nil, fmt.Errorf("looking for the image %s: docker's answer is %q: %w", name, out, err)
	}
	return &found[0], nil
}

// Gateway is the address by which this machine is reached from every container, whatever its network: a server for
// containers listens there. It is this machine's on docker's own network, which is always there.
func Gateway(ctx context.Context) (string, error) {
	// The network itself names its gateway only when it was made with one.
	const option = `{{index .Options "com.docker.network.bridge.name"}}`
	bridge, err := docker(ctx, "network", "inspect", "--format", option, "bridge")
	if err != nil {
		return "", fmt.Errorf("looking for the address of this machine: %w", err)
	}
	var addresses []net.Addr
	found, err := net.InterfaceByName(bridge)
	if err == nil {
		addresses, err = found.Addrs()
	}
	if err != nil {
		return "", fmt.Errorf("looking for the address of this machine: %s: %w: want docker on this machine", bridge, err)
	}
	for _, address := range addresses {
		if network, ok := address.(*net.IPNet); ok && network.IP.To4() != nil {
			return network.IP.String(), nil
		}
	}
	return "", fmt.Errorf("looking for the address of this machine: %s has no IPv4 address", bridge)
}
