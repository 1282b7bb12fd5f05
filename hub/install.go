package hub

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/back-stack/backstack/charts"
	"github.com/back-stack/backstack/engine"
	"github.com/back-stack/backstack/hub/render"
	"github.com/back-stack/backstack/hub/spec"
	"github.com/back-stack/backstack/internal/atomicfile"
	"github.com/back-stack/backstack/internal/cluster"
	"github.com/back-stack/backstack/internal/cluster/embedded"
	"github.com/back-stack/backstack/internal/gitops"
	"github.com/back-stack/backstack/internal/kube"
	"github.com/back-stack/backstack/internal/report"
	"github.com/back-stack/backstack/internal/supervisor"
)

// InstallOptions say what to install and how long it may take.
type InstallOptions struct {
	Request
	Home       Home
	Archive    string                         // an engine to use instead of building one
	Supervisor func(stateDir string) []string // the command line that keeps an embedded hub's processes running
	Timeout    time.Duration                  // for everything after the engine is there
}

// abortTimeout is how long an interrupted install may take to end what it has started.
const abortTimeout = 3 * time.Second

// Install makes the hub that is asked for, or brings the one there is to what is asked for, and waits until it is
// healthy. It can be interrupted at any point and run again. It returns the hub's name.
func Install(ctx context.Context, o InstallOptions, to report.Reporter) (string, error) {
	wanted, committed, err := o.Home.load(o.Request)
	if err != nil {
		return "", err
	}
	name := wanted.Metadata.Name
	i := &install{options: o, spec: wanted, committed: committed, dir: o.Home.Dir(name), provider: newEmbedded(o, wanted)}
	if err := i.provider.Check(ctx); err != nil {
		return name, &RequestError{err}
	}
	held, err := acquireLock(i.dir, name, "install")
	if locked := new(LockedError); errors.As(err, &locked) {
		return name, err
	}
	if err != nil {
		return name, &RequestError{fmt.Errorf("%w: want a folder with room that this user can write to; XDG_STATE_HOME names "+
			"another", err)}
	}
	defer held.release()
	err = i.run(ctx, to)
	if err != nil && ctx.Err() != nil {
		clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
		defer cancel()
		return name, errors.Join(context.Cause(ctx), i.provider.Abort(clean))
	}
	if late := new(supervisor.NotReadyError); errors.As(err, &late) {
		return name, &UnhealthyError{Err: err}
	}
	return name, err
}

// newEmbedded describes the embedded cluster that a hub asks for.
func newEmbedded(o InstallOptions, wanted *spec.Hub) *embedded.Cluster {
	asked := wanted.Spec.Embedded.Ports
	var enabled []string
	for _, component := range spec.Components() {
		if *wanted.Spec.Components[component].Enabled {
			enabled = append(enabled, component)
		}
	}
	dir := o.Home.Dir(wanted.Metadata.Name)
	return embedded.New(embedded.Options{
		Name:   wanted.Metadata.Name,
		Dir:    dir,
		Engine: engine.Options{CacheDir: o.Home.Cache, Archive: o.Archive},
		Ports: embedded.Ports{
			embedded.PortKubernetes: asked.Kubernetes, embedded.PortArgoCD: asked.ArgoCD, embedded.PortGitea: asked.Gitea,
		},
		Supervisor: o.Supervisor(dir),
		Components: enabled,
	})
}

// commitMessage is what backstack says it has done, in both repositories.
const commitMessage = "Render hub.yaml\n\nMade by backstack from hub.yaml."

// install is one run of Install.
type install struct {
	options   InstallOptions
	spec      *spec.Hub
	committed []byte // hub.git's hub.yaml, if spec comes from there
	dir       string
	provider  *embedded.Cluster
	bare      bool                // whether there is no delivery: no repositories and no Argo CD
	only      map[string][]string // the programs to run of a component that is not to run all of them

	tree       render.Tree // what hub.git is to hold; known once the engine step is done
	client     *kube.Client
	repository *cluster.Git
	revision   string // hub.git's commit that is to be applied
}

// run makes the hub in steps. Those that do not need each other run at once.
func (i *install) run(ctx context.Context, to report.Reporter) error {
	if err := i.prepare(ctx, to); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, i.options.Timeout, fmt.Errorf("not done after %s", i.options.Timeout))
	defer cancel()
	if i.bare {
		return runSteps(ctx, i.bareSteps(), to)
	}
	steps := []step{
		{name: "cluster", run: i.ensureCluster},
		{name: "repositories", run: i.ensureRepositories},
		{name: "configuration", needs: []string{"cluster"}, run: i.bootstrap},
	}
	last := []string{"root application"}
	for _, component := range []string{kubernetes, spec.ArgoCD, spec.Crossplane, spec.Kyverno} {
		if component == kubernetes || i.enabled(component) {
			steps = append(steps, step{name: component, needs: []string{"configuration"}, run: i.programs(component)})
			last = append(last, component)
		}
	}
	steps = append(steps,
		step{name: "root application", needs: []string{"configuration", "repositories"}, run: i.applyRoot},
		step{name: "applications", needs: last, run: i.awaitHealthy},
	)
	return runSteps(ctx, steps, to)
}

func (i *install) enabled(component string) bool { return *i.spec.Spec.Components[component].Enabled }

// prepare builds the engine where there is none, chooses ports, and renders what Git is to hold.
func (i *install) prepare(ctx context.Context, to report.Reporter) error {
	if err := i.provider.Prepare(ctx, to); err != nil {
		return err
	}
	ports := i.provider.Ports()
	i.spec.Spec.Embedded.Ports = spec.Ports{
		Kubernetes: ports[embedded.PortKubernetes], ArgoCD: ports[embedded.PortArgoCD], Gitea: ports[embedded.PortGitea],
	}
	data, err := spec.Marshal(i.spec)
	if err != nil {
		return err
	}
	if err := atomicfile.Write(filepath.Join(i.dir, specFile), data, 0o600); err != nil {
		return err
	}
	if i.tree, err = render.Hub(i.located()); err != nil {
		return err
	}
	// A hub.yaml that a person wrote stays as it was written while it says the same.
	if same, err := i.committedSays(data); err != nil || !same {
		return err
	}
	i.tree["hub.yaml"] = i.committed
	return nil
}

// committedSays returns whether hub.git's hub.yaml says the same as the canonical one.
func (i *install) committedSays(canonical []byte) (bool, error) {
	if i.committed == nil {
		return false, nil
	}
	written, err := spec.Load(i.committed, "hub.yaml")
	if err != nil {
		return false, err
	}
	same, err := spec.Marshal(written)
	return bytes.Equal(same, canonical), err
}

// located is the hub with the addresses of its repositories, which hub.yaml leaves out where they are the hub's own.
func (i *install) located() *spec.Hub {
	located := spec.Resolve(i.spec)
	if located.Spec.Repositories == nil {
		port := i.spec.Spec.Embedded.Ports.Gitea
		located.Spec.Repositories = &spec.Repositories{
			Hub: embedded.RepositoryURL(port, "hub"), Requests: embedded.RepositoryURL(port, "requests"),
		}
	}
	return located
}

func (i *install) ensureCluster(ctx context.Context, s *report.Step) (string, error) {
	started, err := i.provider.Ensure(ctx, s.Wait)
	if err != nil {
		return "", err
	}
	if i.client, err = kube.New(i.provider.Kubeconfig()); err != nil {
		return "", err
	}
	if err := i.provider.EnsureDefinitions(ctx, s.Wait); err != nil {
		return "", err
	}
	if !started {
		return "", nil
	}
	return fmt.Sprintf("Kubernetes %s at https://127.0.0.1:%d", charts.Kubernetes, i.spec.Spec.Embedded.Ports.Kubernetes), nil
}

// ensureRepositories makes the repositories and commits what differs from what is rendered.
func (i *install) ensureRepositories(ctx context.Context, s *report.Step) (string, error) {
	git, err := i.provider.EnsureGit(ctx, s.Wait)
	if err != nil {
		return "", err
	}
	i.repository = git
	requests, err := render.Requests(i.located())
	if err != nil {
		return "", err
	}
	changed, kept := 0, 0
	for url, tree := range map[string]render.Tree{git.Hub: i.tree, git.Requests: requests} {
		result, err := gitops.Repository{URL: url, Username: git.Username, Token: git.Token, CA: git.CA}.Update(ctx, tree, i.sources(), commitMessage)
		if conflict := new(gitops.ConflictError); errors.As(err, &conflict) {
			return "", &RefusedError{err}
		}
		if err != nil {
			return "", err
		}
		if url == git.Hub {
			i.revision = result.Revision
		}
		changed += len(result.Changed)
		kept += len(result.Kept)
	}
	switch {
	case changed == 0 && kept == 0:
		return "", nil
	case kept == 0:
		return fmt.Sprintf("committed %d files", changed), nil
	}
	return fmt.Sprintf("committed %d files, kept %d as someone changed them", changed, kept), nil
}

// sources are the files of hub.git that its tree is rendered from.
func (i *install) sources() map[string][]byte {
	if i.committed == nil {
		return nil
	}
	return map[string][]byte{"hub.yaml": i.committed}
}

func (i *install) programs(component string) func(context.Context, *report.Step) (string, error) {
	return func(ctx context.Context, s *report.Step) (string, error) {
		ensure := i.provider.EnsurePrograms
		if names, some := i.only[component]; some {
			ensure = func(ctx context.Context, component string, waiting func(string)) (bool, error) {
				return i.provider.EnsureSome(ctx, component, names, waiting)
			}
		}
		started, err := ensure(ctx, component, s.Wait)
		if err != nil || !started {
			return "", err
		}
		return component + " " + versionOf(component, i.spec), nil
	}
}
