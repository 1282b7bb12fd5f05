// Package beadtest runs a Bead's tests on a real hub: Crossplane composes, Kyverno decides, Argo CD applies. The hub is
// one of its own, which runs only what the Bead needs and is gone afterwards, or one that runs already. Tests of
// software templates need no hub.
package beadtest

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/back-stack/backstack/beads/bead"
	"github.com/back-stack/backstack/hub"
	"github.com/back-stack/backstack/internal/report"
)

// Options say what to test, and where.
type Options struct {
	Folder  *bead.Folder
	Only    *regexp.Regexp // the names of the tests to run; nil: all
	Values  map[string]any // parameters that are given; a test's own come before them
	Schemas string         // a folder with definitions of kinds that the Bead composes; empty: none
	Timeout time.Duration  // for each test, and for the Bead to be ready
	Keep    bool           // leave everything as it is after the last test

	Home       hub.Home
	Hub        string                         // the name of a hub that runs; empty: one of its own
	Archive    string                         // an engine to use instead of building one
	Supervisor func(stateDir string) []string // the command line that keeps a hub's processes running

	Charts  bead.ChartFetcher // gets charts that are kept elsewhere
	Deliver Delivery          // brings the Bead to a hub as its users do
}

// Delivery brings the Bead to a hub by its repository, and waits until it is healthy there. It returns the files of the
// Bead that change; with dryRun nothing does.
type Delivery func(
	ctx context.Context, on *hub.Access, values map[string]any, dryRun bool, to report.Reporter,
) (changed []string, err error)

// hubTimeout is how long a hub of its own may take to start.
const hubTimeout = 5 * time.Minute

// Run runs a Bead's tests and returns what became of them. The error is a *hub.RequestError if what is asked for is
// wrong: nothing was touched then. A test that fails is no error.
func Run(ctx context.Context, o Options, to report.Reporter) (*Report, error) {
	started := time.Now()
	tests, err := o.tests()
	if err != nil {
		return nil, &hub.RequestError{Err: err}
	}
	r := &runner{options: o, to: to, report: newReport(o.Folder)}
	err = r.run(ctx, tests)
	if request := new(hub.RequestError); errors.As(err, &request) {
		return nil, err
	}
	r.report.end(tests, started)
	return r.report, err
}

// tests returns the tests to run.
func (o Options) tests() ([]Test, error) {
	all, err := Load(o.Folder.Files)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("the Bead %s has no tests: want at least one in %s/*.yaml", o.Folder.Metadata.Name,
			bead.TestsFolder)
	}
	if o.Only == nil {
		return all, nil
	}
	var some []Test
	for _, test := range all {
		if o.Only.MatchString(test.Name) {
			some = append(some, test)
		}
	}
	if len(some) == 0 {
		return nil, fmt.Errorf("no test of Bead %s is called like %q", o.Folder.Metadata.Name, o.Only)
	}
	return some, nil
}

// runner runs tests.
type runner struct {
	options Options
	to      report.Reporter
	report  *Report
	stage   *stage // the hub; nil until one is needed
	mu      sync.Mutex
}

func (r *runner) run(ctx context.Context, tests []Test) (err error) {
	view, err := r.openHub(ctx)
	if err != nil {
		return err
	}
	groups, err := r.options.group(ctx, tests, view)
	if err != nil {
		return &hub.RequestError{Err: err}
	}
	schemas, err := r.options.schemas(groups)
	if err != nil {
		return &hub.RequestError{Err: err}
	}
	if err := r.checkKinds(groups, schemas); err != nil {
		return err
	}
	// What needs no hub is done while one is made ready.
	var aside sync.WaitGroup
	defer aside.Wait()
	aside.Go(func() {
		for _, g := range groups {
			for _, test := range g.tests {
				if !test.needsHub() && ctx.Err() == nil {
					r.test(ctx, g, test)
				}
			}
		}
	})
	if !needsHub(groups) {
		return nil
	}
	defer func() { err = errors.Join(err, r.close(ctx)) }()
	if err := r.enter(ctx, groups, schemas); err != nil {
		return err
	}
	for _, g := range groups {
		if err := r.onHub(ctx, g); err != nil {
			return err
		}
	}
	return nil
}

// onHub runs those tests of a group that need the hub.
func (r *runner) onHub(ctx context.Context, g *group) error {
	if !g.needsHub() {
		return nil
	}
	if err := r.stage.install(ctx, g, r.to); err != nil {
		return err
	}
	tests := slices.DeleteFunc(slices.Clone(g.tests), func(test Test) bool { return !test.needsHub() })
	for _, batch := range batches(tests) {
		if err := r.stage.tidy(ctx); err != nil {
			return err
		}
		var running sync.WaitGroup
		for _, test := range batch {
			running.Go(func() { r.test(ctx, g, test) })
		}
		running.Wait()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return nil
}

// test runs one test and adds its result to the report.
func (r *runner) test(ctx context.Context, g *group, test Test) {
	step := report.Start(r.to, test.Name, test.Spec.Description)
	started := time.Now()
	bounded, cancel := context.WithTimeoutCause(ctx, r.options.Timeout, fmt.Errorf("not so after %s", r.options.Timeout))
	defer cancel()
	failures := templates(bounded, g.rendered.Catalog, test.Spec.Templates)
	if test.needsHub() {
		failures = append(failures, r.stage.test(bounded, g, test, step.Wait)...)
	}
	result := Result{
		Name: test.Name, File: test.File, Line: test.Line, Description: test.Spec.Description,
		Passed: len(failures) == 0, Seconds: time.Since(started).Seconds(), Failures: failures,
	}
	r.mu.Lock()
	r.report.add(result)
	r.mu.Unlock()
	if result.Passed {
		step.Done("")
		return
	}
	step.Fail(errors.New(firstLine(failures[0])))
}
