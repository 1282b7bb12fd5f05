// Package cluster says what a hub asks of the place that it runs on. Each provider is a package below this one.
package cluster

import (
	"context"

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
	// EnsureGit makes the Git server that runs with the hub, with its empty repositories.
	EnsureGit(ctx context.Context, waiting func(string)) (*Git, error)
	// EnsureDefinitions makes the cluster know the components' kinds.
	EnsureDefinitions(ctx context.Context, waiting func(string)) error
	// EnsurePrograms makes the programs of a component run, where its chart does not. It returns whether one was started.
	EnsurePrograms(ctx context.Context, component string, waiting func(string)) (bool, error)
	// Credentials returns what Argo CD's first install needs and Git must not hold.
	Credentials(ctx context.Context) (*Credentials, error)
	// Kubeconfig is the path of a kubeconfig whose current context is the cluster.
	Kubeconfig() string
	// Status describes the cluster and the programs that run outside it.
	Status(ctx context.Context) (*Status, error)
	// Abort undoes what this process has started and not finished, at once.
	Abort(ctx context.Context) error
	// Delete removes the cluster and everything that was made for it. Deleting what is not there is no error.
	Delete(ctx context.Context) error
}

// Git is where a hub's repositories are and how to reach them.
type Git struct {
	Hub      string // the URL of hub.git
	Requests string // the URL of requests.git
	Username string // the account that may write
	Token    string
	CA       []byte // PEM of the authority that the server's certificate comes from; the machine's if empty
	Reader   Login  // the account that may only read, for Argo CD
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
