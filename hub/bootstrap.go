package hub

import (
	"context"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/bcrypt"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/back-stack/backstack/charts"
	"github.com/back-stack/backstack/hub/render"
	"github.com/back-stack/backstack/hub/spec"
	"github.com/back-stack/backstack/internal/cluster"
	"github.com/back-stack/backstack/internal/kube"
	"github.com/back-stack/backstack/internal/report"
)

// argoNamespace is where Argo CD and its Applications live.
const argoNamespace = "argocd"

// hubLabel marks what belongs to a hub, with the hub's name.
const hubLabel = "backstack.dev/hub"

var secretResource = schema.GroupVersionResource{Version: "v1", Resource: "secrets"}

// bootstrap makes what the components' programs start with: namespaces, Argo CD's secrets, and on the first install the
// components' configuration, rendered from the same charts as hub.git holds. From then on Argo CD looks after that, and
// what someone commits is not overwritten here.
func (i *install) bootstrap(ctx context.Context, s *report.Step) (string, error) {
	if err := i.client.Apply(ctx, kube.Backstack, namespaces(i.spec)...); err != nil {
		return "", err
	}
	if err := i.applySecrets(ctx); err != nil {
		return "", err
	}
	if err := i.applyPodSecrets(ctx); err != nil {
		return "", err
	}
	switch _, err := i.client.Get(ctx, applications, argoNamespace, rootApplication); {
	case err == nil:
		return "", nil
	case !apierrors.IsNotFound(err):
		return "", fmt.Errorf("looking for the root application: %w", err)
	}
	return i.configure(ctx, s)
}

// configure applies the configuration of the components that run and, where they run as pods, the components.
func (i *install) configure(ctx context.Context, s *report.Step) (string, error) {
	components, err := i.rendered()
	if err != nil {
		return "", err
	}
	if i.place.embedded == nil {
		return i.applyPods(ctx, s, components)
	}
	var objects []*unstructured.Unstructured
	for _, component := range components {
		objects = append(objects, component.objects...)
	}
	s.Wait(fmt.Sprintf("applying %d objects", len(objects)))
	return fmt.Sprintf("applied %d objects", len(objects)), i.applyNowOrLater(ctx, objects)
}

// applyNowOrLater applies objects. Those that Kyverno is to admit, which an earlier install started and which does not
// answer yet, are applied once it runs.
func (i *install) applyNowOrLater(ctx context.Context, objects []*unstructured.Unstructured) error {
	err := i.client.Apply(ctx, kube.ArgoCD, objects...)
	unadmitted := kube.Unadmitted(err)
	if len(unadmitted) == 0 || !i.enabled(spec.Kyverno) {
		return err
	}
	i.later[spec.Kyverno] = append(i.later[spec.Kyverno], unadmitted...)
	return nil
}

// renderedComponent are the objects of a component.
type renderedComponent struct {
	name    string
	objects []*unstructured.Unstructured
}

// renderComponents renders what configure applies. The policies are applied with the components, so that Kyverno makes
// them ready while Argo CD starts.
func (i *install) renderComponents() ([]renderedComponent, error) {
	var components []renderedComponent
	for _, component := range charts.Components() {
		if !i.enabled(component.Name) || component.Pods && i.place.embedded != nil || i.bare && component.Name == spec.ArgoCD {
			continue
		}
		objects, err := render.Component(i.tree, component.Name)
		if err != nil {
			return nil, err
		}
		components = append(components, renderedComponent{component.Name, objects})
	}
	if i.bare {
		return components, nil
	}
	policies, err := render.Policies(i.tree)
	return append(components, renderedComponent{"policies", policies}), err
}

// namespaces are those that a hub has before Argo CD runs.
func namespaces(h *spec.Hub) []*unstructured.Unstructured {
	names := []string{argoNamespace, "crossplane-system", "kyverno", "requests"}
	if h.Spec.Provider.Pods() {
		names = []string{"requests"}
		for _, component := range charts.Components() {
			if enabled(h, component.Name) {
				names = append(names, component.Namespace)
			}
		}
	}
	var objects []*unstructured.Unstructured
	for _, name := range names {
		objects = append(objects, &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "v1", "kind": "Namespace",
			"metadata": map[string]any{"name": name, "labels": map[string]any{hubLabel: h.Metadata.Name}},
		}})
	}
	return objects
}

// applySecrets makes Argo CD's secrets, which are in no repository.
func (i *install) applySecrets(ctx context.Context) error {
	credentials, err := i.runtime.Credentials(ctx)
	if err != nil {
		return err
	}
	hash, modified, err := i.passwordHash(ctx, credentials.AdminPassword)
	if err != nil {
		return err
	}
	objects := []*unstructured.Unstructured{
		i.secret("argocd-secret", "Opaque", "", map[string]string{
			"admin.password":      hash,
			"admin.passwordMtime": modified,
			"server.secretkey":    credentials.ServerKey,
			"webhook.gogs.secret": credentials.WebhookSecret, // Gitea signs as Gogs does
		}),
		i.secret("argocd-initial-admin-secret", "Opaque", "", map[string]string{"password": credentials.AdminPassword}),
	}
	if len(credentials.TLSCert) > 0 {
		objects = append(objects, i.secret("argocd-server-tls", "kubernetes.io/tls", "", map[string]string{
			"tls.crt": string(credentials.TLSCert), "tls.key": string(credentials.TLSKey),
		}))
	}
	return i.client.Apply(ctx, kube.Backstack, objects...)
}

// applyRepositoryLogin gives Argo CD the account with which it fetches the hub's repositories.
func (i *install) applyRepositoryLogin(ctx context.Context, git *cluster.Git) error {
	prefix := git.Hub[:strings.LastIndex(git.Hub, "/")+1]
	return i.client.Apply(ctx, kube.Backstack, i.secret("hub-repositories", "Opaque", "repo-creds", map[string]string{
		"type": "git", "url": prefix, "username": git.Reader.Username, "password": git.Reader.Password,
	}))
}

// secret makes a Secret of Argo CD. kind is what Argo CD's label calls it, empty for its own secrets.
func (i *install) secret(name, secretType, kind string, data map[string]string) *unstructured.Unstructured {
	labels := map[string]any{hubLabel: i.spec.Metadata.Name, "app.kubernetes.io/part-of": "argocd"}
	if kind != "" {
		labels["argocd.argoproj.io/secret-type"] = kind
	}
	values := map[string]any{}
	for key, value := range data {
		values[key] = value
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Secret", "type": secretType, "stringData": values,
		"metadata": map[string]any{"name": name, "namespace": argoNamespace, "labels": labels},
	}}
}

// passwordHash returns the hash of password and when it was made, as they are in the cluster if they fit. A new hash of
// the same password would differ, and Argo CD would end all sessions.
func (i *install) passwordHash(ctx context.Context, password string) (hash, modified string, err error) {
	current, err := i.client.Get(ctx, secretResource, argoNamespace, "argocd-secret")
	if err == nil {
		hash, modified := secretValue(current, "admin.password"), secretValue(current, "admin.passwordMtime")
		if bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)) == nil {
			return hash, modified, nil
		}
	} else if !apierrors.IsNotFound(err) {
		return "", "", fmt.Errorf("reading Argo CD's secret: %w", err)
	}
	made, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.DefaultCost)
	if err != nil {
		return "", "", fmt.Errorf("hashing Argo CD's admin password: %w", err)
	}
	return string(made), time.Now().UTC().Format(time.RFC3339), nil
}
