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
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/back-stack/backstack/charts"
	"github.com/back-stack/backstack/hub/render"
	"github.com/back-stack/backstack/hub/spec"
	"github.com/back-stack/backstack/internal/kube"
	"github.com/back-stack/backstack/internal/pki"
	"github.com/back-stack/backstack/internal/secrets"
)

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

// applyPods applies the components' charts as Argo CD does, the components beside each other. What is of a kind that one
// of the pods will define is left to Argo CD.
func (i *install) applyPods(ctx context.Context, components [][]*unstructured.Unstructured) error {
	defined := map[string]bool{"argoproj.io": true}
	for _, definition := range slices.Concat(components...) {
		if definition.GetKind() == "CustomResourceDefinition" {
			group, _, _ := unstructured.NestedString(definition.Object, "spec", "group")
			defined[group] = true
		}
	}
	var group errgroup.Group
	for _, objects := range components {
		group.Go(func() error { return i.applyComponent(ctx, objects, defined) })
	}
	return group.Wait()
}

// applyComponent applies a component's chart, each object after those that it needs: definitions beside objects of kinds
// that every cluster has, then those of kinds that are defined, and pods last.
func (i *install) applyComponent(ctx context.Context, objects []*unstructured.Unstructured, defined map[string]bool) error {
	var definitions, common, custom, workloads []*unstructured.Unstructured
	for _, object := range objects {
		group := object.GroupVersionKind().Group
		switch {
		case object.GetKind() == "CustomResourceDefinition":
			definitions = append(definitions, object)
		case slices.Contains([]string{"Deployment", "StatefulSet", "DaemonSet", "Job"}, object.GetKind()):
			workloads = append(workloads, object)
		case builtIn(group):
			common = append(common, object)
		case defined[group]:
			custom = append(custom, object)
		}
	}
	var first errgroup.Group
	first.Go(func() error { return i.client.ApplyDefinitions(ctx, kube.ArgoCD, definitions...) })
	first.Go(func() error { return i.client.Apply(ctx, kube.ArgoCD, common...) })
	if err := first.Wait(); err != nil {
		return err
	}
	// Its programs may look for these while they start, and none of these waits for a program.
	if err := i.client.Apply(ctx, kube.ArgoCD, custom...); err != nil {
		return err
	}
	return i.client.Apply(ctx, kube.ArgoCD, workloads...)
}

// builtIn says whether every API server serves a group.
func builtIn(group string) bool { return scheme.Scheme.IsGroupRegistered(group) }
