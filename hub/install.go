package hub

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/back-stack/backstack/hub/render"
	"github.com/back-stack/backstack/hub/spec"
	"github.com/back-stack/backstack/internal/argocd"
	"github.com/back-stack/backstack/internal/atomicfile"
	"github.com/back-stack/backstack/internal/cluster"
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

// abortTimeout is how long an interrupted install may take to end what it has started: half of it is for a supervisor that
// does not answer.
const abortTimeout = 30 * time.Second

// Install makes the hub that is asked for, or brings the one there is to what is asked for, and waits until it is
// healthy. It can be interrupted at any point and run again. It returns the name of the hub, once that is known to be one.
func Install(ctx context.Context, o InstallOptions, to report.Reporter) (string, error) {
	ctx, end := context.WithCancel(ctx)
	defer end()
	i, err := newInstall(ctx, o)
	if err != nil {
		return "", err
	}
	name := i.spec.Metadata.Name
	held, err := acquireLock(i.dir, name, "install")
	if locked := new(LockedError); errors.As(err, &locked) {
		return name, err
	}
	if err != nil {
		return name, &RequestError{fmt.Errorf("%w: want a folder with room that this user can write to; XDG_STATE_HOME names "+
			"another", err)}
	}
	defer held.release()
	i.beginLogin(ctx)
	err = i.run(ctx, to)
	if err != nil && ctx.Err() != nil {
		clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
		defer cancel()
		return name, errors.Join(context.Cause(ctx), i.place.Abort(clean))
	}
	if late := new(supervisor.NotReadyError); errors.As(err, &late) {
		return name, &UnhealthyError{Err: err}
	}
	if stuck := new(kube.WorkloadError); errors.As(err, &stuck) || errors.Is(err, kube.ErrUnadmitted) {
		return name, &UnhealthyError{Err: err}
	}
	return name, err
}

// newInstall looks at everything that can be wrong with what is asked for, and changes nothing.
func newInstall(ctx context.Context, o InstallOptions) (*install, error) {
	wanted, committed, refused := o.Home.load(ctx, o.Request)
	if wanted == nil {
		return nil, refused
	}
	name := wanted.Metadata.Name
	if err := o.Home.checkProvider(wanted); err != nil {
		return nil, errors.Join(refused, err)
	}
	i := &install{options: o, spec: wanted, committed: committed, dir: o.Home.Dir(name)}
	var err error
	if i.place, err = o.Home.newPlace(wanted, o.place(name)); err != nil {
		return nil, errors.Join(refused, err)
	}
	if i.elsewhere, err = o.Home.elsewhere(wanted); err != nil {
		return nil, errors.Join(refused, err)
	}
	if err := errors.Join(refused, i.place.Check(ctx), checkElsewhere(ctx, i.elsewhere)); err != nil {
		return nil, &RequestError{err}
	}
	if i.charts, err = archives(ctx, o.Home.layout(name).Charts(), wanted); err != nil {
		return nil, err
	}
	if err := checkImages(wanted, i.charts); err != nil {
		return nil, &RequestError{err}
	}
	return i, nil
}

// place says how the place of the hub called name is handled.
func (o InstallOptions) place(name string) placeOptions {
	return placeOptions{archive: o.Archive, supervisor: o.Supervisor(o.Home.Dir(name))}
}

// commitMessage is what backstack says it has done, in both repositories.
const commitMessage = "Render hub.yaml\n\nMade by backstack from hub.yaml."

// install is one run of Install.
type install struct {
	options   InstallOptions
	spec      *spec.Hub
	committed []byte // hub.git's hub.yaml, if spec comes from there
	dir       string
	place     *place
	elsewhere *cluster.Git        // the repositories, where they are not on the hub's own Gitea; else nil
	runtime   cluster.Runtime     // once the cluster is there
	bare      bool                // whether there is no delivery: no repositories and no Argo CD
	only      map[string][]string // the programs to run of a component that is not to run all of them

	before     []byte                                  // the hub's description before this; nil if there was none
	charts     render.Archives                         // upstream's
	tree       render.Tree                             // what hub.git is to hold; known once the engine step is done
	rendered   func() ([]renderedComponent, error)     // what of it a first install applies, rendered once
	later      map[string][]*unstructured.Unstructured // what of that is applied once a component runs
	client     *kube.Client
	argoCD     func() (*argocd.Client, error) // ends a login that was begun early; nil if none was
	repository *cluster.Git
	revision   string            // hub.git's commit that is to be applied
	moved      map[string]string // the addresses of repositories by those that they had before
}

// run makes the hub in steps. Those that do not need each other run at once.
func (i *install) run(ctx context.Context, to report.Reporter) error {
	first := !i.options.Home.exists(i.spec.Metadata.Name)
	if err := i.checkRepositories(); err != nil {
		return err
	}
	if err := i.prepare(ctx, to); err != nil {
		return err
	}
	i.rendered = sync.OnceValues(i.renderComponents)
	i.later = map[string][]*unstructured.Unstructured{}
	if first {
		go func() { _, _ = i.rendered() }() // while the cluster is made
	}
	ctx, cancel := context.WithTimeoutCause(ctx, i.options.Timeout, fmt.Errorf("not done after %s", i.options.Timeout))
	defer cancel()
	return late(ctx, runSteps(ctx, i.steps(), to))
}

// late makes a fault an *UnhealthyError if the time of ctx was over before the install was.
func late(ctx context.Context, err error) error {
	if err == nil || !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return err
	}
	if known := new(UnhealthyError); errors.As(err, &known) {
		return err
	}
	if cause := context.Cause(ctx); !errors.Is(err, cause) {
		err = fmt.Errorf("%w: %w", cause, err)
	}
	return &UnhealthyError{Err: err}
}

// steps are what an install does.
func (i *install) steps() []step {
	if i.bare {
		return i.bareSteps()
	}
	ensureCluster := step{name: "cluster", run: i.ensureCluster}
	repositories := step{name: "repositories", run: i.ensureRepositories}
	last := []string{"root application"}
	switch {
	case i.elsewhere != nil:
		// Whether they take a commit is known only from one: before anything is made for which it would be too late.
		ensureCluster.needs = []string{repositories.name}
	case i.place.embedded == nil:
		// The Git server is a pod as the others are.
		repositories.needs = []string{ensureCluster.name}
	}
	steps := []step{
		ensureCluster, repositories, {name: "configuration", needs: []string{ensureCluster.name}, run: i.bootstrap},
	}
	if i.place.embedded != nil {
		steps = append(steps, step{name: kubernetes, needs: []string{"configuration"}, run: i.programs(kubernetes)})
		last = append(last, kubernetes)
	}
	for _, component := range []string{spec.ArgoCD, spec.Crossplane, spec.Kyverno, spec.Traefik} {
		if i.enabled(component) {
			steps = append(steps, step{name: component, needs: []string{"configuration"}, run: i.programs(component)})
			last = append(last, component)
		}
	}
	root := []string{"configuration", "repositories"}
	if i.place.embedded == nil {
		// An ApplicationSet that finds no repo-server fails, and does not try again at once.
		root = append(root, spec.ArgoCD)
	}
	return append(steps,
		step{name: "root application", needs: root, run: i.applyRoot},
		step{name: "applications", needs: last, run: i.awaitHealthy},
	)
}

func (i *install) enabled(component string) bool { return enabled(i.spec, component) }

// prepare gets everything that a hub is made of, chooses ports, and renders what Git is to hold.
func (i *install) prepare(ctx context.Context, to report.Reporter) error {
	if err := keepArchives(i.options.Home.layout(i.spec.Metadata.Name).Charts(), i.spec, i.charts); err != nil {
		return err
	}
	if err := i.place.Prepare(ctx, to); err != nil {
		return err
	}
	i.place.writePorts(i.spec)
	data, err := spec.Marshal(i.spec)
	if err != nil {
		return err
	}
	path := filepath.Join(i.dir, specFile)
	if i.before, err = os.ReadFile(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("reading the hub's description: %w", err)
	}
	if err := atomicfile.Write(path, data, 0o600); err != nil {
		return err
	}
	i.tree, err = i.render(i.spec)
	return err
}

// takeBack makes the hub's description what it was before this install, which the repositories do not take.
func (i *install) takeBack() error {
	if i.before == nil {
		return nil
	}
	return atomicfile.Write(filepath.Join(i.dir, specFile), i.before, 0o600)
}

// render returns what hub.git is to hold for a hub that is as i.spec is but for its ports.
func (i *install) render(h *spec.Hub) (render.Tree, error) {
	tree, err := render.Hub(locate(h), i.charts)
	if err != nil || i.committed == nil {
		return tree, err
	}
	// A hub.yaml that a person wrote stays as it was written while it says the same.
	written, err := spec.Load(i.committed, "hub.yaml")
	if err != nil {
		return nil, err
	}
	said, err := spec.Marshal(written)
	if err != nil {
		return nil, err
	}
	canonical, err := spec.Marshal(h)
	if bytes.Equal(said, canonical) {
		tree["hub.yaml"] = i.committed
	}
	return tree, err
}

// checkRepositories refuses to begin what the repositories of an embedded hub would not take: they lie on this machine. Those
// elsewhere are asked before anything else is done, and those on a Gitea that is a pod once that can be reached.
func (i *install) checkRepositories() error {
	if i.place.embedded == nil || i.bare {
		return nil
	}
	ports, err := i.place.embedded.PlannedPorts()
	if err != nil {
		return err
	}
	planned := spec.Resolve(i.spec)
	planned.Spec.Embedded.Ports = describedPorts(ports)
	tree, err := i.render(planned)
	if err != nil {
		return err
	}
	requests, err := render.Requests(locate(planned))
	if err != nil {
		return err
	}
	return refused(errors.Join(
		gitops.CheckLocal(i.place.embedded.LocalRepository("hub"), tree, i.sources()),
		gitops.CheckLocal(i.place.embedded.LocalRepository("requests"), requests, i.sources()),
	))
}

// refused makes an error a *RefusedError if it is that a repository does not take what is rendered.
func refused(err error) error {
	if conflict, stale := new(gitops.ConflictError), new(gitops.StaleError); errors.As(err, &conflict) || errors.As(err, &stale) {
		return &RefusedError{err}
	}
	return err
}

func (i *install) ensureCluster(ctx context.Context, s *report.Step) (string, error) {
	started, err := i.place.Ensure(ctx, s.Wait)
	if err != nil {
		return "", err
	}
	if i.client, err = kube.New(i.place.Kubeconfig()); err != nil {
		return "", err
	}
	if err := i.place.makeRoom(ctx, i.spec); err != nil {
		return "", err
	}
	if i.runtime, err = i.options.Home.runtime(i.place, i.client, i.spec); err != nil {
		return "", err
	}
	if err := i.runtime.EnsureDefinitions(ctx, s.Wait); err != nil {
		return "", err
	}
	if !started {
		return "", nil
	}
	status, err := i.place.Status(ctx)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("Kubernetes %s at %s", status.Version, status.Server), nil
}

// ensureRepositories makes the repositories and commits what differs from what is rendered.
func (i *install) ensureRepositories(ctx context.Context, s *report.Step) (string, error) {
	git, err := i.git(ctx, s.Wait)
	if err != nil {
		return "", err
	}
	i.repository = git
	if i.moved, err = rememberAddresses(i.dir, git); err != nil {
		return "", err
	}
	requests, err := render.Requests(locate(i.spec))
	if err != nil {
		return "", err
	}
	changed, kept := 0, 0
	// hub.git comes last, from which Argo CD begins.
	for _, r := range []struct {
		url  string
		tree render.Tree
	}{{git.Requests, requests}, {git.Hub, i.tree}} {
		result, err := repository(git, r.url).Update(ctx, r.tree, i.sources(), i.readdressFiles(), commitMessage)
		if no := new(RefusedError); errors.As(refused(err), &no) {
			return "", errors.Join(no, i.takeBack())
		}
		if err != nil {
			return "", err
		}
		i.revision = result.Revision
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

// git returns the repositories. The Git server of an embedded hub starts beside its cluster, and not in it.
func (i *install) git(ctx context.Context, waiting func(string)) (*cluster.Git, error) {
	switch {
	case i.elsewhere != nil:
		// The token is kept for later commands.
		return i.elsewhere, i.options.Home.layout(i.spec.Metadata.Name).Secrets().Set(cluster.GitToken, i.elsewhere.Token)
	case i.place.embedded != nil:
		return i.place.embedded.EnsureGit(ctx, waiting)
	}
	return i.runtime.EnsureGit(ctx, waiting)
}

// repository is one of a hub's repositories, by which this process reaches it.
func repository(git *cluster.Git, url string) gitops.Repository {
	return gitops.Repository{URL: git.Local(url), Username: git.Username, Token: git.Token, CA: git.CA}
}

// sources is the hub.yaml that the trees are rendered from. One that was given may be committed to hub.git too.
func (i *install) sources() gitops.Sources {
	switch {
	case i.committed != nil:
		return gitops.Sources{Read: map[string][]byte{"hub.yaml": i.committed}}
	case i.options.Data != nil:
		return gitops.Sources{Given: map[string][]byte{"hub.yaml": i.options.Data}}
	}
	return gitops.Sources{}
}

func (i *install) programs(component string) func(context.Context, *report.Step) (string, error) {
	return func(ctx context.Context, s *report.Step) (string, error) {
		ensure := i.runtime.EnsurePrograms
		if names, some := i.only[component]; some {
			ensure = func(ctx context.Context, component string, waiting func(string)) (bool, error) {
				return i.place.embedded.EnsureSome(ctx, component, names, waiting)
			}
		}
		started, err := ensure(ctx, component, s.Wait)
		if err != nil {
			return "", err
		}
		if err := i.applyLater(ctx, component, s.Wait); err != nil || !started {
			return "", err
		}
		return component + " " + versionOf(component, i.spec), nil
	}
}
