package existing

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/Masterminds/semver/v3"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// kubeVersion is what every chart of a hub says of itself.
const kubeVersion = ">=1.34.0-0"

// checkTimeout bounds looking at a cluster that answers.
const checkTimeout = 30 * time.Second

// Check returns everything that keeps the cluster from becoming the hub's, or staying it. It changes nothing.
func (c *Cluster) Check(ctx context.Context) error {
	config, err := c.options.kubeconfig()
	if err != nil {
		return err
	}
	a, err := connect(ctx, config)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, checkTimeout, fmt.Errorf("no answer after %s", checkTimeout))
	defer cancel()
	checks := []func(context.Context, *apiServer) error{checkVersion, c.checkRights, c.checkStorage, c.checkTenancy}
	faults := make([]error, len(checks))
	var group errgroup.Group
	for i, check := range checks {
		group.Go(func() error {
			faults[i] = check(ctx, a)
			return nil
		})
	}
	_ = group.Wait()
	return errors.Join(faults...)
}

// checkVersion says whether Kubernetes is one that the charts are for.
func checkVersion(_ context.Context, a *apiServer) error {
	constraint, err := semver.NewConstraint(kubeVersion)
	if err != nil {
		return err
	}
	version, err := semver.NewVersion(a.version)
	if err != nil {
		return fmt.Errorf("reading the version %q of the cluster: %w", a.version, err)
	}
	if !constraint.Check(version) {
		return fmt.Errorf("the cluster has Kubernetes %s: want %s", a.version, strings.TrimSuffix(kubeVersion, "-0"))
	}
	return nil
}

var storageClasses = schema.GroupVersionResource{Group: "storage.k8s.io", Version: "v1", Resource: "storageclasses"}

// checkStorage says whether a volume that names no class gets one.
func (c *Cluster) checkStorage(ctx context.Context, a *apiServer) error {
	if !c.options.Storage {
		return nil
	}
	classes, err := a.list(ctx, storageClasses, "")
	if err != nil {
		return ignoreForbidden(err)
	}
	var names []string
	for _, class := range classes {
		if class.Annotations[defaultAnnotation] == "true" {
			return nil
		}
		names = append(names, class.Name)
	}
	if len(names) == 0 {
		return errors.New("the cluster has no storage class, and the hub's Git server keeps its data in a volume: want " +
			"one that is the default, or spec.repositories in hub.yaml for a Git server elsewhere")
	}
	return fmt.Errorf("the cluster has no default storage class, and the hub's Git server keeps its data in a volume: "+
		"want one of %s to be it: `kubectl annotate storageclass NAME %s=true`", some(names), defaultAnnotation)
}
