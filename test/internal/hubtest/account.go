package hubtest

import (
	"path/filepath"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/back-stack/backstack/internal/kube"
)

// accountNamespace is where accounts of tests are.
const accountNamespace = "default"

// ServiceAccounts is the kind of an account of a cluster.
var ServiceAccounts = schema.GroupVersionResource{Version: "v1", Resource: "serviceaccounts"}

// Account makes a service account with a ClusterRole of the rules, and returns a copy of the administrator's kubeconfig in
// which it takes the administrator's place.
func Account(t testing.TB, client *kube.Client, admin, name string, rules ...any) string {
	t.Helper()
	Apply(t, client, map[string]any{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": map[string]any{
		"name": name, "namespace": accountNamespace,
	}})
	Allow(t, client, name, rules...)
	request := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "metadata": map[string]any{"name": name},
		"spec": map[string]any{},
	}}
	answer, err := client.Dynamic().Resource(ServiceAccounts).Namespace(accountNamespace).Create(
		Patient(t), request, metav1.CreateOptions{}, "token")
	if err != nil {
		t.Fatal(err)
	}
	token, _, _ := unstructured.NestedString(answer.Object, "status", "token")
	return Kubeconfig(t, admin, func(_ *api.Config, _ *api.Cluster, user *api.AuthInfo) { *user = api.AuthInfo{Token: token} })
}

// Allow makes the rules the ones of an account's ClusterRole.
func Allow(t testing.TB, client *kube.Client, name string, rules ...any) {
	t.Helper()
	metadata := map[string]any{"name": name}
	role := map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
	subject := map[string]any{"kind": "ServiceAccount", "name": name, "namespace": accountNamespace}
	Apply(t, client,
		map[string]any{
			"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": metadata, "rules": rules,
		},
		map[string]any{
			"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": metadata,
			"roleRef": role, "subjects": []any{subject},
		})
}

// Kubeconfig writes a changed copy of a kubeconfig, and returns its path. change gets it with the cluster and the user of its
// current context.
func Kubeconfig(t testing.TB, from string, change func(*api.Config, *api.Cluster, *api.AuthInfo)) string {
	t.Helper()
	config, err := clientcmd.LoadFromFile(from)
	if err == nil {
		err = clientcmd.ResolveLocalPaths(config)
	}
	if err != nil {
		t.Fatal(err)
	}
	current := config.Contexts[config.CurrentContext]
	change(config, config.Clusters[current.Cluster], config.AuthInfos[current.AuthInfo])
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// Apply makes objects, or makes them what is given.
func Apply(t testing.TB, client *kube.Client, objects ...map[string]any) {
	t.Helper()
	for _, object := range objects {
		if err := client.Apply(Patient(t), "test", &unstructured.Unstructured{Object: object}); err != nil {
			t.Fatal(err)
		}
	}
}
