package kind

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/back-stack/backstack/internal/cluster/ports"
)

// server is the URL of the API server.
func (m made) server() string { return "https://" + ports.Address(m.Ports.Kubernetes) }

// api is a cluster's API server.
type api struct {
	client *http.Client
	server string
}

// tryTimeout bounds one request.
const tryTimeout = 5 * time.Second

// newAPI makes a client from a kubeconfig.
func newAPI(kubeconfig string) (*api, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig %s: %w", kubeconfig, err)
	}
	config.Timeout = tryTimeout
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig %s: %w", kubeconfig, err)
	}
	return &api{client: client, server: config.Host}, nil
}

func (a *api) get(ctx context.Context, path string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, a.server+path, nil)
	if err != nil {
		return nil, err
	}
	response, err := a.client.Do(request)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s is answered with %s", path, response.Status)
	}
	return body, nil
}

// version asks for the version of Kubernetes, without v.
func (a *api) version(ctx context.Context) (string, error) {
	body, err := a.get(ctx, "/version")
	var said struct {
		GitVersion string `json:"gitVersion"`
	}
	if err == nil {
		err = json.Unmarshal(body, &said)
	}
	if err != nil {
		return "", fmt.Errorf("asking %s for its version: %w", a.server, err)
	}
	return strings.TrimPrefix(said.GitVersion, "v"), nil
}

// readyPause is between two questions whether an API server is ready, which gives no sign of it.
const readyPause = 100 * time.Millisecond

// awaitReady asks until the API is ready, ctx ends, or the node ends.
func (c *Cluster) awaitReady(ctx context.Context, e engine, a *api, waiting func(string)) error {
	_, err := a.get(ctx, "/readyz")
	if err == nil {
		return nil
	}
	waiting("waiting for the Kubernetes API at " + a.server)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() { cancel(c.nodeEnded(ctx, e)) }()
	pause := time.NewTicker(readyPause)
	defer pause.Stop()
	for {
		select {
		case <-pause.C:
		case <-ctx.Done():
			return fmt.Errorf("waiting for the Kubernetes API of kind cluster %s at %s: %w; it said last: %w",
				c.options.Name, a.server, context.Cause(ctx), err)
		}
		if _, again := a.get(ctx, "/readyz"); again == nil {
			return nil
		} else if ctx.Err() == nil {
			err = again
		}
	}
}

// nodeEnded waits until the node's container ends, and says so.
func (c *Cluster) nodeEnded(ctx context.Context, e engine) error {
	if _, err := e.run(ctx, "wait", c.node()); err != nil {
		return err
	}
	return fmt.Errorf("node %s has ended: `%s logs %[1]s` says why", c.node(), e.program)
}
