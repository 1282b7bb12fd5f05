// Package cluster says what a hub asks of the place that it runs on. Each provider is a package below this one.
package cluster

import (
	"context"
	"strings"

	"github.com/back-stack/backstack/internal/report"
)

// Provider makes, describes and deletes the cluster of one hub. Every method that changes something is idempotent: it can
// be called again after it was interrupted at any point, and does nothing where nothing is to be done.
type Provider interface {
	// Check returns everything that is in the way of making the hub here, at once. It changes nothing.
	Check(ctx context.Context) error
	// Prepare gets ready what the cluster is made of. It can take minutes and reports steps of its own.
	Prepare(ctx context.Context, to report.Reporter) error
	// Ensure makes the cluster; when it returns, the cluster's API answers. It returns whether something was started.
	Ensure(ctx context.Context, waiting func(string)) (bool, error)
	// Kubeconfig is the path of a kubeconfig whose current context is the cluster.
	Kubeconfig() string
	// Status describes the cluster and the programs that run outside it. A cluster that does not answer is no error.
	Status(ctx context.Context) (*Status, error)
	// Abort undoes what this process has started and not finished, at once.
	Abort(ctx context.Context) error
	// Delete removes the cluster and everything that was made for it. Deleting what is not there is no error.
	Delete(ctx context.Context) error
}

// Runtime makes the components of a hub run in its cluster: as processes beside it, or as pods in it. Its methods are as
// idempotent as a Provider's.
type Runtime interface {
	// EnsureDefinitions makes the cluster know the components' kinds, where their charts do not.
	EnsureDefinitions(ctx context.Context, waiting func(string)) error
	// EnsureGit makes the hub's repositories there for reading and writing; they may be empty.
	EnsureGit(ctx context.Context, waiting func(string)) (*Git, error)
	// EnsurePrograms makes the programs of a component run, and waits until they do. It returns whether it had to.
	EnsurePrograms(ctx context.Context, component string, waiting func(string)) (bool, error)
	// Credentials returns what Argo CD's first install needs and Git must not hold.
	Credentials(ctx context.Context) (*Credentials, error)
}

// Git is where a hub's repositories are and how to reach them.
type Git struct {
	Hub      string // the URL of hub.git, by which the hub's Applications call it
	Requests string // the URL of requests.git
	Via      string // by which this process reaches the server, scheme://host:port; empty: as the URLs say
	Username string // the account that may write
	Token    string
	CA       []byte // PEM of the authority that the server's certificate comes from; the machine's if empty
	Reader   Login  // the account that may only read, for Argo CD
}

// Local returns the URL of one of the repositories by which this process reaches it.
func (g *Git) Local(repository string) string {
	if g.Via == "" {
		return repository
	}
	_, rest, _ := strings.Cut(repository, "://")
	_, path, _ := strings.Cut(rest, "/")
	return g.Via + "/" + path
}

// Login is an account and the secret that proves it.
type Login struct {
	Username string
	Password string
}

// Credentials are the secrets that Argo CD starts with.
type Credentials struct {
	AdminPassword string
	ServerKey     string // signs Argo CD's session tokens
	WebhookSecret string // signs the Git server's webhook
	TLSCert       []byte // PEM of Argo CD's server certificate; made by Argo CD if empty
	TLSKey        []byte
}

// Status is what there is of a hub's cluster.
type Status struct {
	Exists   bool
	Running  bool
	Version  string // of Kubernetes, without v
	Server   string // the API server's URL
	Reason   string // why it does not run, if that is known
	Programs []Program
}

// Program is a program of a component that runs outside the cluster.
type Program struct {
	Component string
	Name      string
	Healthy   bool
	Reason    string // why it is not healthy, or what happened to it
	Log       string // the path of its log
	PID       int
	Restarts  int
	RSS       int64 // resident memory in bytes
}

// Registry is the one registry that all images of a hub come from.
type Registry struct {
	Prefix string // host[:port][/path], without a scheme
	CA     []byte // PEM of the authority that its certificate comes from; the machine's if empty
	Login  Login  // empty: it serves everybody
}

// Host is the host[:port] of the registry.
func (r Registry) Host() string {
	host, _, _ := strings.Cut(r.Prefix, "/")
	return host
}
