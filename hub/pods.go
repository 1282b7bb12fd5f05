package hub

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"os"
	"slices"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/back-stack/backstack/charts"
	"github.com/back-stack/backstack/hub/render"
	"github.com/back-stack/backstack/hub/spec"
	"github.com/back-stack/backstack/internal/kube"
	"github.com/back-stack/backstack/internal/pki"
	"github.com/back-stack/backstack/internal/report"
	"github.com/back-stack/backstack/internal/secrets"
)

var persistentVolumes = schema.GroupVersionResource{Version: "v1", Resource: "persistentvolumes"}

// applyPodSecrets makes the Secrets that components need when they run as pods, and that are in no repository.
func (i *install) applyPodSecrets(ctx context.Context) error {
	if i.place.embedded != nil {
		return nil
	}
	kept := i.options.Home.layout(i.spec.Metadata.Name).Secrets()
	redis, err := kept.Random("redis-password")
	if err != nil {
		return err
	}
	objects := []*unstructured.Unstructured{i.secretIn(argoNamespace, "argocd-redis", "Opaque", map[string]string{"auth": redis})}
	if i.enabled(spec.Gitea) {
		keys, err := giteaKeys(kept)
		if err != nil {
			return err
		}
		objects = append(objects, i.secretIn("gitea", "gitea-keys", "Opaque", keys))
	}
	pages, err := i.pageCertificates()
	if err != nil {
		return err
	}
	pulls, err := i.pullSecrets()
	if err != nil {
		return err
	}
	return i.client.Apply(ctx, kube.Backstack, slices.Concat(objects, pages, pulls)...)
}

// giteaKeys are what Gitea signs and encrypts with.
func giteaKeys(kept secrets.Dir) (map[string]string, error) {
	keys := map[string]string{}
	for _, name := range []string{"secret-key", "internal-token"} {
		var err error
		if keys[name], err = kept.Random("gitea-" + name); err != nil {
			return nil, err
		}
	}
	const name = "jwt-secret" // 32 bytes in base64url, or Gitea would want to write another
	key, err := kept.Get("gitea-" + name)
	if err == nil && key == "" {
		random := make([]byte, 32)
		_, _ = rand.Read(random) // never fails
		key = base64.RawURLEncoding.EncodeToString(random)
		err = kept.Set("gitea-"+name, key)
	}
	keys[name] = key
	return keys, err
}

// pageCertificates are for the hub's pages, from an authority of the hub's own, where an ingress leads to them.
func (i *install) pageCertificates() ([]*unstructured.Unstructured, error) {
	if i.spec.Spec.Ingress == nil {
		return nil, nil
	}
	dir := i.options.Home.layout(i.spec.Metadata.Name).PKI()
	if err := os.MkdirAll(string(dir), 0o700); err != nil {
		return nil, fmt.Errorf("making the folder of the hub's certificates: %w", err)
	}
	authority, err := dir.Authority("ca")
	if err != nil {
		return nil, err
	}
	const name = "pages"
	hosts := []string{render.Host(i.spec, spec.ArgoCD), render.Host(i.spec, spec.Gitea)}
	if err := authority.Issue(pki.Leaf{Name: name, Hosts: hosts}); err != nil {
		return nil, err
	}
	cert, err := os.ReadFile(dir.Cert(name))
	if err != nil {
		return nil, fmt.Errorf("reading the certificate of the hub's pages: %w", err)
	}
	key, err := os.ReadFile(dir.Key(name))
	if err != nil {
		return nil, fmt.Errorf("reading the key of the hub's pages: %w", err)
	}
	var objects []*unstructured.Unstructured
	for _, component := range []string{spec.ArgoCD, spec.Gitea} {
		if i.enabled(component) {
			objects = append(objects, i.secretIn(component, "hub-tls", "kubernetes.io/tls", map[string]string{
				"tls.crt": string(cert), "tls.key": string(key),
			}))
		}
	}
	return objects, nil
}

// pullSecrets are the login for the hub's registry, for each component.
func (i *install) pullSecrets() ([]*unstructured.Unstructured, error) {
	registry := i.place.registry
	if registry == nil || registry.Login.Username == "" {
		return nil, nil
	}
	login, err := dockerConfigOf(registry)
	if err != nil {
		return nil, err
	}
	if err := i.options.Home.layout(i.spec.Metadata.Name).Secrets().Set(registryLogin, login); err != nil {
		return nil, err
	}
	var objects []*unstructured.Unstructured
	for _, component := range charts.Components() {
		if i.enabled(component.Name) {
			objects = append(objects, i.secretIn(component.Namespace, render.PullSecret, "kubernetes.io/dockerconfigjson",
				map[string]string{".dockerconfigjson": login}))
		}
	}
	return objects, nil
}

// secretIn makes a Secret of the hub in a namespace.
func (i *install) secretIn(namespace, name, secretType string, data map[string]string) *unstructured.Unstructured {
	secret := i.secret(name, secretType, "", data)
	secret.SetNamespace(namespace)
	secret.SetLabels(map[string]string{hubLabel: i.spec.Metadata.Name})
	return secret
}

// parts are a hub's components by what has to be there before them.
type parts struct {
	common      []*unstructured.Unstructured // of kinds that every cluster has
	volumes     []*unstructured.Unstructured
	claims      []*unstructured.Unstructured // to volumes
	definitions []*unstructured.Unstructured
	custom      []*unstructured.Unstructured            // of kinds that are among the definitions
	later       map[string][]*unstructured.Unstructured // of kinds that a component's own pods define, by component
	aloof       []*unstructured.Unstructured            // workloads that do not speak to the API server
	programs    []*unstructured.Unstructured            // other workloads of components that bring no definitions
	controllers []*unstructured.Unstructured            // of those that do
}

func partsOf(components []renderedComponent) parts {
	p := parts{later: map[string][]*unstructured.Unstructured{}}
	defined := map[string]bool{}
	for _, component := range components {
		for _, object := range component.objects {
			if isDefinition(object) {
				group, _, _ := unstructured.NestedString(object.Object, "spec", "group")
				defined[group] = true
			}
		}
	}
	for _, component := range components {
		workloads := &p.programs
		if slices.ContainsFunc(component.objects, isDefinition) {
			workloads = &p.controllers
		}
		for _, object := range component.objects {
			group, to := object.GroupVersionKind().Group, &p.common
			switch kind := object.GetKind(); {
			case isDefinition(object):
				to = &p.definitions
			case kind == "PersistentVolume":
				to = &p.volumes
			case kind == "PersistentVolumeClaim":
				to = &p.claims
			case slices.Contains([]string{"Deployment", "StatefulSet", "DaemonSet", "Job"}, kind):
				to = workloads
				if isAloof(object) {
					to = &p.aloof
				}
			case defined[group]:
				to = &p.custom
			case !builtIn(group):
				p.later[component.name] = append(p.later[component.name], object)
				continue
			}
			*to = append(*to, object)
		}
	}
	return p
}

func isDefinition(object *unstructured.Unstructured) bool {
	return object.GetKind() == "CustomResourceDefinition"
}

// isAloof says whether a workload's pods have no token for the API server.
func isAloof(workload *unstructured.Unstructured) bool {
	token, found, _ := unstructured.NestedBool(workload.Object, "spec", "template", "spec", "automountServiceAccountToken")
	return found && !token
}

// applyPods applies the components' charts as Argo CD does, each object as soon as what it needs is there. What a
// component's own pods define comes once they run: see applyLater.
func (i *install) applyPods(ctx context.Context, s *report.Step, components []renderedComponent) (string, error) {
	p := partsOf(components)
	count := 0
	for _, component := range components {
		i.later[component.name] = p.later[component.name]
		count += len(component.objects) - len(p.later[component.name])
	}
	s.Wait(fmt.Sprintf("applying %d objects", count))
	apply := func(ctx context.Context, objects []*unstructured.Unstructured) error {
		return i.client.ApplyAdmitted(ctx, kube.ArgoCD, s.Wait, objects...)
	}
	group, ctx := errgroup.WithContext(ctx)
	configured := make(chan struct{})
	group.Go(func() error {
		return inTurn(
			func() error { return apply(ctx, p.common) },
			func() error { return apply(ctx, p.aloof) },
			func() error { return i.awaitServices(ctx) },
			func() error { close(configured); return apply(ctx, p.programs) },
		)
	})
	group.Go(func() error {
		return inTurn(
			func() error { return apply(ctx, p.volumes) },
			func() error { return i.awaitVolumes(ctx, p.volumes) },
			func() error { return apply(ctx, p.claims) },
		)
	})
	group.Go(func() error {
		return inTurn(
			func() error { return i.client.ApplyDefinitions(ctx, kube.ArgoCD, p.definitions...) },
			func() error { return i.applyNowOrLater(ctx, p.custom) },
			func() error {
				select {
				case <-configured:
					return apply(ctx, p.controllers)
				case <-ctx.Done():
					return context.Cause(ctx)
				}
			},
		)
	})
	return fmt.Sprintf("applied %d objects", count), group.Wait()
}

// inTurn does one thing after the other, to the first fault.
func inTurn(things ...func() error) error {
	for _, do := range things {
		if err := do(); err != nil {
			return err
		}
	}
	return nil
}

// awaitVolumes waits until the cluster has seen volumes. A claim to one that it has not seen is bound only when all are
// looked at again, which is every 15 seconds.
func (i *install) awaitVolumes(ctx context.Context, volumes []*unstructured.Unstructured) error {
	if len(volumes) == 0 {
		return nil
	}
	return i.client.Until(ctx, persistentVolumes, "", func(present []*unstructured.Unstructured) (bool, string) {
		for _, volume := range volumes {
			n := slices.IndexFunc(present, func(o *unstructured.Unstructured) bool { return o.GetName() == volume.GetName() })
			if n < 0 {
				return false, kube.Describe(volume)
			}
			if phase, _, _ := unstructured.NestedString(present[n].Object, "status", "phase"); phase != "Available" && phase != "Bound" {
				return false, kube.Describe(volume) + " to be available"
			}
		}
		return true, ""
	}, nil)
}

// awaitServices waits until pods reach Services, on a cluster that has just been made: what starts before that fails, and is
// started again only after a pause.
func (i *install) awaitServices(ctx context.Context) error {
	if i.place.kind == nil {
		return nil
	}
	return i.place.kind.AwaitServices(ctx)
}

// applyLater applies what had to wait for a component that runs now, so that it need not wait for Argo CD.
func (i *install) applyLater(ctx context.Context, component string, waiting func(string)) error {
	return i.client.ApplyAdmitted(ctx, kube.ArgoCD, waiting, i.later[component]...)
}

// builtIn says whether every API server serves a group.
func builtIn(group string) bool { return scheme.Scheme.IsGroupRegistered(group) }
