//go:build e2e

package kind

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/back-stack/backstack/internal/kube"
	"github.com/back-stack/backstack/test/internal/hubtest"
)

// anAccount makes an account that may do nothing, and returns a copy of a kubeconfig in which it takes the place of the
// administrator.
func anAccount(t *testing.T, client *kube.Client, kubeconfig, namespace string) string {
	t.Helper()
	name := map[string]any{"name": "installer", "namespace": namespace}
	account := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": name}}
	if err := client.Apply(hubtest.Patient(t), "test", account); err != nil {
		t.Fatal(err)
	}
	accounts := client.Dynamic().Resource(schema.GroupVersionResource{Version: "v1", Resource: "serviceaccounts"}).Namespace(namespace)
	request := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "metadata": name, "spec": map[string]any{},
	}}
	answer, err := accounts.Create(hubtest.Patient(t), request, metav1.CreateOptions{}, "token")
	if err != nil {
		t.Fatal(err)
	}
	token, _, _ := unstructured.NestedString(answer.Object, "status", "token")
	config, err := clientcmd.LoadFromFile(kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	for user := range config.AuthInfos {
		config.AuthInfos[user] = &api.AuthInfo{Token: token}
	}
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// deniedPattern is a line of the message about rights: verbs, and the resources that they are wanted for.
var deniedPattern = regexp.MustCompile(`(?m)^ +([a-z]+(?:, [a-z]+)*): ([a-z0-9./*]+(?:, [a-z0-9./*]+)*)$`)

// grantWhatIsMissing gives anAccount's account the rights that a message says are missing, and no others.
func grantWhatIsMissing(t *testing.T, client *kube.Client, namespace, message string) {
	t.Helper()
	var rules []any
	for _, line := range deniedPattern.FindAllStringSubmatch(message, -1) {
		var verbs []any
		for _, verb := range strings.Split(line[1], ", ") {
			verbs = append(verbs, verb)
		}
		for _, resource := range strings.Split(line[2], ", ") {
			resource, subresource, _ := strings.Cut(resource, "/")
			resource, group, _ := strings.Cut(resource, ".")
			if subresource != "" {
				resource += "/" + subresource
			}
			rules = append(rules, map[string]any{"apiGroups": []any{group}, "resources": []any{resource}, "verbs": verbs})
		}
	}
	if len(rules) < 2 {
		t.Fatalf("the message is %s\nwant it to list the rights that are missing", message)
	}
	role := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": map[string]any{"name": "installer"},
		"rules": rules,
	}}
	binding := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": map[string]any{"name": "installer"},
		"roleRef":  map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "installer"},
		"subjects": []any{map[string]any{"kind": "ServiceAccount", "name": "installer", "namespace": namespace}},
	}}
	if err := client.Apply(hubtest.Patient(t), "test", role, binding); err != nil {
		t.Fatal(err)
	}
}
