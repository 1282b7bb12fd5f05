package existing

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// ownedByDefinition is what Crossplane writes into the metadata of what it makes for a definition of hubObjects.
const ownedByDefinition = "ownerReferences: [{apiVersion: apiextensions.crossplane.io/v2, " +
	"kind: CompositeResourceDefinition, name: greetings.demo.example.com, uid: xrd}]"

// hubObjects are a small hub called h, with a Bead and what its programs have made, each with the finalizers that it
// has on a real one.
func hubObjects() []string {
	tracked := func(application, group, kind, namespace, name string) string {
		return fmt.Sprintf("annotations: {argocd.argoproj.io/tracking-id: '%s:%s/%s:%s/%s'}", application, group, kind,
			namespace, name)
	}
	application := func(name, more string) string {
		return "{apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: " + name + ", namespace: argocd, " +
			more + "}, spec: {syncPolicy: {automated: {selfHeal: true}}}}"
	}
	hook := func(name, namespace, labels string) string {
		return fmt.Sprintf("{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: "+
			"{name: %s, labels: {%s}}, webhooks: [{name: a, clientConfig: {service: {namespace: %s, name: svc}}}]}",
			name, labels, namespace)
	}
	return []string{
		namespace("argocd", mine), namespace("crossplane-system", mine), namespace("kyverno", mine),
		namespace("requests", mine),
		"{apiVersion: v1, kind: Namespace, metadata: {name: bead-demo, labels: {backstack.dev/bead: demo}, " +
			tracked("bead-demo", "", "Namespace", "bead-demo", "bead-demo") + "}}",

		customKind("argoproj.io", "applications", "Application", "Namespaced", "", ""),
		customKind("argoproj.io", "applicationsets", "ApplicationSet", "Namespaced", "", ""),
		customKind("apiextensions.crossplane.io", "compositeresourcedefinitions", "CompositeResourceDefinition", "Cluster",
			"", ""),
		customKind("pkg.crossplane.io", "functionrevisions", "FunctionRevision", "Cluster", "",
			"conversion: {strategy: Webhook, webhook: {clientConfig: {service: {namespace: crossplane-system, name: svc}}}}"),
		customKind("policies.kyverno.io", "validatingpolicies", "ValidatingPolicy", "Cluster", "", ""),
		// Crossplane has made this one, so it is known by its owner alone.
		customKind("demo.example.com", "greetings", "Greeting", "Namespaced", ownedByDefinition, ""),

		application("hub", ""), application("argocd", ""),
		application("bead-demo", "finalizers: [resources-finalizer.argocd.argoproj.io]"),
		"{apiVersion: argoproj.io/v1alpha1, kind: ApplicationSet, metadata: {name: beads, namespace: argocd, uid: set}}",
		application("bead-set", "ownerReferences: [{apiVersion: argoproj.io/v1alpha1, kind: ApplicationSet, name: beads, "+
			"uid: set}]"),
		"{apiVersion: apiextensions.crossplane.io/v1alpha1, kind: CompositeResourceDefinition, metadata: {uid: xrd, " +
			"name: greetings.demo.example.com, finalizers: [defined.apiextensions.crossplane.io]}}",
		"{apiVersion: pkg.crossplane.io/v1alpha1, kind: FunctionRevision, metadata: {name: f-1, uid: revision, " +
			"finalizers: [revision.pkg.crossplane.io]}}",
		"{apiVersion: policies.kyverno.io/v1alpha1, kind: ValidatingPolicy, metadata: {name: p}}",

		deployment("argocd", "argocd-server", tracked("argocd", "apps", "Deployment", "argocd", "argocd-server")),
		deployment("crossplane-system", "f-1", "ownerReferences: [{apiVersion: pkg.crossplane.io/v1, "+
			"kind: FunctionRevision, name: f-1, uid: revision}]"),
		"{apiVersion: v1, kind: Secret, metadata: {name: argocd-secret, namespace: argocd, labels: {" + mine + "}}}",

		hook("crossplane", "crossplane-system", ""),
		hook("kyverno-resource-validating-webhook-cfg", "elsewhere", "webhook.kyverno.io/managed-by: kyverno"),
		"{apiVersion: apiregistration.k8s.io/v1, kind: APIService, metadata: {name: v1.reports.kyverno.io}, " +
			"spec: {service: {namespace: kyverno, name: reports}}}",
		"{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: argocd, labels: {" + mine + "}}}",
		"{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: bead-demo, " +
			tracked("bead-demo", "rbac.authorization.k8s.io", "ClusterRole", "bead-demo", "bead-demo") + "}}",
		"{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: bead-set, " +
			tracked("bead-set", "rbac.authorization.k8s.io", "ClusterRole", "bead-set", "bead-set") + "}}",
		"{apiVersion: v1, kind: ConfigMap, metadata: {name: brought, namespace: default, " +
			tracked("bead-demo", "", "ConfigMap", "default", "brought") + "}}",
		"{apiVersion: v1, kind: PersistentVolume, metadata: {name: disk}, spec: {persistentVolumeReclaimPolicy: Retain, " +
			"claimRef: {namespace: argocd, name: data}}}",

		// What is somebody else's.
		namespace("team-a", ""), deployment("team-a", "web", ""),
		customKind("argoproj.io", "rollouts", "Rollout", "Namespaced", "", ""),
		"{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: r, namespace: team-a, finalizers: [a/b]}}",
		hook("theirs", "team-a", ""),
		"{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: theirs, " +
			tracked("theirs", "rbac.authorization.k8s.io", "ClusterRole", "", "theirs") + "}}",
		"{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: copied, " +
			tracked("bead-demo", "rbac.authorization.k8s.io", "ClusterRole", "", "another") + "}}",
		"{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: given}, " +
			"subjects: [{kind: ServiceAccount, name: crossplane, namespace: crossplane-system}]}",
		"{apiVersion: v1, kind: PersistentVolume, metadata: {name: theirs}, spec: {persistentVolumeReclaimPolicy: Retain, " +
			"claimRef: {namespace: team-a, name: data}}}",
	}
}

// others is what is left of hubObjects when the hub is gone.
func others() []string {
	return []string{
		"ClusterRole copied", "ClusterRole theirs", "ClusterRoleBinding given",
		"CustomResourceDefinition rollouts.argoproj.io", "Deployment team-a/web", "Namespace default",
		"Namespace kube-system", "Namespace team-a", "PersistentVolume disk", "PersistentVolume theirs",
		"Rollout team-a/r", "ValidatingWebhookConfiguration theirs",
	}
}

// installed returns hub h on f, as install leaves it.
func installed(t *testing.T, f *fakeAPI, change func(*Options)) *Cluster {
	t.Helper()
	c := on(t, f, change)
	if _, err := c.Ensure(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return c
}

func wantLeft(t *testing.T, f *fakeAPI, want []string) {
	t.Helper()
	if left := f.Left(); !slices.Equal(left, want) {
		t.Errorf("the cluster has\n  %s\nwant\n  %s", strings.Join(left, "\n  "), strings.Join(want, "\n  "))
	}
}

// patient returns a context that ends when a removal hangs.
func patient(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestDeleteTakesTheHubAndNothingElse(t *testing.T) {
	f := newFakeAPI(t, hubObjects()...)
	c := installed(t, f, nil)
	for range 2 {
		if err := c.Delete(patient(t)); err != nil {
			t.Fatal(err)
		}
		wantLeft(t, f, others())
	}
	if _, err := os.Stat(c.options.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the hub's folder is still there: %v", err)
	}
}

func TestDeleteSaysWhatIsLeft(t *testing.T) {
	c := installed(t, newFakeAPI(t, append(hubObjects(),
		"{apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: far, namespace: argocd}, "+
			"spec: {destination: {name: spoke-1}}}")...), nil)
	if err := c.Delete(patient(t)); err != nil {
		t.Fatal(err)
	}
	want := []string{"ClusterRoleBinding given", "PersistentVolume disk with the data of argocd/data", "cluster spoke-1"}
	left := c.Left()
	if len(left) != len(want) {
		t.Errorf("left is %q, want %d entries", left, len(want))
	}
	for _, text := range want {
		if !strings.Contains(strings.Join(left, "\n"), text) {
			t.Errorf("left is %q, want %q in it", left, text)
		}
	}
}

func TestDeleteGoesInAnOrderInWhichNothingHangs(t *testing.T) {
	f := newFakeAPI(t, hubObjects()...)
	if err := installed(t, f, nil).Delete(patient(t)); err != nil {
		t.Fatal(err)
	}
	requests := f.Requests()
	at := func(part string) int {
		i := slices.IndexFunc(requests, func(request string) bool { return strings.Contains(request, part) })
		if i < 0 {
			t.Fatalf("there is no request %q among\n%s", part, strings.Join(requests, "\n"))
		}
		return i
	}
	order := []string{
		"DELETE /apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/crossplane",
		"PATCH /apis/argoproj.io/v1alpha1/namespaces/argocd/applications/hub",
		"DELETE /apis/argoproj.io/v1alpha1/namespaces/argocd/applicationsets/beads",
		"PATCH /apis/argoproj.io/v1alpha1/namespaces/argocd/applications/bead-demo",
		"DELETE /apis/apps/v1/namespaces/argocd/deployments/argocd-server",
		"PATCH /apis/apiextensions.k8s.io/v1/customresourcedefinitions/functionrevisions.pkg.crossplane.io",
		"PATCH /apis/pkg.crossplane.io/v1alpha1/functionrevisions/f-1",
		"DELETE /apis/pkg.crossplane.io/v1alpha1/functionrevisions/f-1",
		"DELETE /apis/apiextensions.k8s.io/v1/customresourcedefinitions/functionrevisions.pkg.crossplane.io",
		"DELETE /apis/rbac.authorization.k8s.io/v1/clusterroles/argocd",
		"DELETE /api/v1/namespaces/bead-demo",
		"DELETE /apis/argoproj.io/v1alpha1/namespaces/argocd/applications/hub",
		"DELETE /apis/apiextensions.k8s.io/v1/customresourcedefinitions/applications.argoproj.io",
		"DELETE /api/v1/namespaces/argocd",
	}
	for i := 1; i < len(order); i++ {
		if at(order[i-1]) > at(order[i]) {
			t.Errorf("%s comes after %s\n%s", order[i-1], order[i], strings.Join(requests, "\n"))
		}
	}
}

func TestDeleteCanBeInterruptedAnywhere(t *testing.T) {
	whole := newFakeAPI(t, hubObjects()...)
	if err := installed(t, whole, nil).Delete(patient(t)); err != nil {
		t.Fatal(err)
	}
	for n := range whole.Requests() {
		f := newFakeAPI(t, hubObjects()...)
		c := installed(t, f, nil)
		made := 0
		f.fail = func(string) bool {
			made++
			return made > n
		}
		if err := c.Delete(patient(t)); err == nil {
			t.Fatalf("broken off after %d changes: no error", n)
		}
		if _, err := os.Stat(c.Kubeconfig()); err != nil {
			t.Fatalf("broken off after %d changes: %v", n, err)
		}
		f.mu.Lock()
		f.fail = nil
		f.mu.Unlock()
		if err := c.Delete(patient(t)); err != nil {
			t.Fatalf("run again after %d changes: %v", n, err)
		}
		wantLeft(t, f, others())
		if t.Failed() {
			t.Fatalf("broken off after %d changes", n)
		}
	}
}

// inUse are a claim, a composite and a managed resource with an external name.
func inUse() []string {
	kindOf := func(plural, kind, category string) string {
		definition := customKind("cloud.example.com", plural, kind, "Cluster", ownedByDefinition, "")
		return strings.Replace(definition, "kind: "+kind+"}", "kind: "+kind+", categories: [crossplane, "+category+"]}", 1)
	}
	return []string{
		kindOf("buckets", "Bucket", "managed"), kindOf("xstores", "XStore", "composite"), kindOf("stores", "Store", "claim"),
		"{apiVersion: cloud.example.com/v1alpha1, kind: Bucket, metadata: {name: b, finalizers: " +
			"[finalizer.managedresource.crossplane.io], annotations: {crossplane.io/external-name: b-in-the-cloud}}}",
		"{apiVersion: cloud.example.com/v1alpha1, kind: XStore, metadata: {name: x, finalizers: " +
			"[composite.apiextensions.crossplane.io]}}",
		"{apiVersion: cloud.example.com/v1alpha1, kind: Store, metadata: {name: s}}",
	}
}

func TestDeleteRefusesWhileSomethingIsInUse(t *testing.T) {
	f := newFakeAPI(t, append(hubObjects(), inUse()...)...)
	c := installed(t, f, nil)
	before := f.Left()
	err := c.Delete(patient(t))
	var refused *InUseError
	if !errors.As(err, &refused) || !slices.Equal(refused.Objects, []string{"Bucket b", "Store s", "XStore x"}) {
		t.Fatalf("error %v, want an InUseError with the bucket, the store and the composite", err)
	}
	wantFaults(t, err, "removing hub h", "Bucket b", "--force")
	if changes := f.Requests(); len(changes) > 0 {
		t.Errorf("refusing changed something: %q", changes)
	}
	wantLeft(t, f, before)
	if _, err := os.Stat(c.Kubeconfig()); err != nil {
		t.Error(err)
	}
}

func TestForcedDeleteLeavesWhatIsOutside(t *testing.T) {
	f := newFakeAPI(t, append(hubObjects(), inUse()...)...)
	c := installed(t, f, func(o *Options) { o.Force = true })
	if err := c.Delete(patient(t)); err != nil {
		t.Fatal(err)
	}
	wantLeft(t, f, others())
	if left := strings.Join(c.Left(), "\n"); !strings.Contains(left, "Bucket b stands for, called b-in-the-cloud there") {
		t.Errorf("left is %q, want the bucket", left)
	}
	// A provider that still runs must not see a deletion before the finalizer is off: it would delete the bucket.
	requests := f.Requests()
	const bucket = "/apis/cloud.example.com/v1alpha1/buckets/b"
	patched, deleted := slices.Index(requests, "PATCH "+bucket), slices.Index(requests, "DELETE "+bucket)
	definition := slices.IndexFunc(requests, func(request string) bool {
		return strings.HasPrefix(request, "DELETE ") && strings.Contains(request, "/compositeresourcedefinitions/")
	})
	if patched < 0 || patched > deleted || deleted > definition {
		t.Errorf("the bucket's finalizer, the bucket, and what has brought its kind do not go in this order: %q", requests)
	}
}

func TestDeleteLeavesNamespacesThatOthersUse(t *testing.T) {
	f := newFakeAPI(t, append(hubObjects(),
		deployment("crossplane-system", "guest", ""),
		"{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: guest-1, namespace: crossplane-system, ownerReferences: "+
			"[{apiVersion: apps/v1, kind: Deployment, name: guest, uid: "+
			"/apis/apps/v1/namespaces/crossplane-system/deployments/guest, controller: true}]}}",
		"{apiVersion: v1, kind: Service, metadata: {name: svc, namespace: crossplane-system, managedFields: "+
			"[{manager: argocd-controller, operation: Apply}]}}",
		"{apiVersion: v1, kind: ConfigMap, metadata: {name: theirs, namespace: crossplane-system}}")...)
	c := installed(t, f, nil)
	if err := c.Delete(patient(t)); err != nil {
		t.Fatal(err)
	}
	want := append(others(), "ConfigMap crossplane-system/theirs", "Deployment crossplane-system/guest",
		"Namespace crossplane-system", "ReplicaSet crossplane-system/guest-1")
	slices.Sort(want)
	wantLeft(t, f, want)
	if label := f.objects["/api/v1/namespaces/crossplane-system"].GetLabels()[hubLabel]; label != "" {
		t.Errorf("the namespace has the hub's label %q still", label)
	}
	left := strings.Join(c.Left(), "\n")
	if !strings.Contains(left, "namespace crossplane-system: it holds Deployment guest") {
		t.Errorf("left is %q, want the namespace", left)
	}
}

func TestDeleteSaysWhatDoesNotGoAndWhy(t *testing.T) {
	f := newFakeAPI(t, append(hubObjects(),
		"{apiVersion: v1, kind: Secret, metadata: {name: held, namespace: requests, finalizers: [example.com/hold]}}")...)
	c := installed(t, f, nil)
	ctx, cancel := context.WithCancelCause(t.Context())
	c.options.Waiting = func(what string) {
		if what == "Namespace requests to go" {
			cancel(errors.New("enough"))
		}
	}
	wantFaults(t, c.Delete(ctx), "removing hub h", "waiting for namespaces to go: enough", "Namespace requests",
		"Secret requests/held has the finalizers example.com/hold", "kubectl patch", "run `backstack uninstall` again")
	f.mu.Lock()
	f.objects["/api/v1/namespaces/requests/secrets/held"].SetFinalizers(nil)
	f.settle()
	f.mu.Unlock()
	c.options.Waiting = nil
	if err := c.Delete(patient(t)); err != nil {
		t.Fatal(err)
	}
	wantLeft(t, f, others())
}

func TestDeleteOfWhatWasNeverInstalledDoesNothing(t *testing.T) {
	f := newFakeAPI(t, namespace("argocd", ""), deployment("argocd", "server", ""),
		customKind("argoproj.io", "applications", "Application", "Namespaced", "", ""),
		namespace("kyverno", "backstack.dev/hub: another"))
	before := f.Left()
	for _, change := range []func(*Options){
		nil,
		func(o *Options) { o.Context = "" },
		func(o *Options) { o.Kubeconfig = "/nowhere" },
	} {
		if err := on(t, f, change).Delete(patient(t)); err != nil {
			t.Error(err)
		}
	}
	wantLeft(t, f, before)
}

func TestDeleteLeavesAnotherClusterAtTheSameAddress(t *testing.T) {
	f := newFakeAPI(t, hubObjects()...)
	c := installed(t, f, nil)
	writeFile(t, c.identityFile(), "an-older-cluster\n")
	before := f.Left()
	if err := c.Delete(patient(t)); err != nil {
		t.Error(err)
	}
	wantLeft(t, f, before)
	if left := strings.Join(c.Left(), "\n"); !strings.Contains(left, "at its address is another") {
		t.Errorf("what was left is %q, want it to say that there may be everything", left)
	}
}

func TestDeleteTakesNewerCredentials(t *testing.T) {
	f := newFakeAPI(t, hubObjects()...)
	c := installed(t, f, nil)
	f.Token = "renewed"
	if err := c.Delete(patient(t)); err == nil {
		t.Fatal("there is no error with the old credentials")
	}
	c.options.Kubeconfig = f.Kubeconfig(t)
	if err := c.Delete(patient(t)); err != nil {
		t.Fatal(err)
	}
	wantLeft(t, f, others())
}

func TestDeleteGivesUpAClusterOnlyByForce(t *testing.T) {
	f := newFakeAPI(t, hubObjects()...)
	c := installed(t, f, nil)
	f.Close()
	wantFaults(t, c.Delete(patient(t)), "removing hub h from its cluster: connecting to "+f.URL)
	c.options.Force = true
	if err := c.Delete(patient(t)); err != nil {
		t.Fatal(err)
	}
	if left := c.Left(); len(left) != 1 || !strings.Contains(left[0], "everything of hub h") {
		t.Errorf("left is %q, want everything of the hub", left)
	}
}
