package lint

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/back-stack/backstack/beads/bead"
	"github.com/back-stack/backstack/beads/lint/kinds"
)

// checkObject reports whether a document is an object, and what it lacks for one.
func (l *linter) checkObject(d *document) bool {
	ok := true
	for _, field := range []struct{ path, value string }{
		{"apiVersion", textAt(d.object, "apiVersion")}, {"kind", textAt(d.object, "kind")}, {"metadata.name", d.name()},
	} {
		if field.value == "" && !d.at.Unread(field.path) {
			l.fault(ruleObject, d, field.path, "is missing: want an object with apiVersion, kind and metadata.name")
			ok = false
		}
	}
	if _, err := schema.ParseGroupVersion(textAt(d.object, "apiVersion")); err != nil {
		l.fault(ruleObject, d, "apiVersion", "is no group and version: want one such as apps/v1")
		return false
	}
	return ok
}

// checkUnique reports objects of the same kind, namespace and name.
func (l *linter) checkUnique(w *world) {
	first := make(map[string]*document)
	for _, d := range w.documents {
		if d.part == bead.PartTemplates || d.name() == "" {
			continue
		}
		namespace := d.unstructured().GetNamespace()
		if namespace == "" && !bead.ClusterWide(d.kind()) {
			namespace = d.home
		}
		key := fmt.Sprint(d.kind().GroupKind(), " ", namespace, "/", d.name(), " ", d.spokes)
		earlier, twice := first[key]
		if !twice {
			first[key] = d
			continue
		}
		where := earlier.file
		if line, _ := earlier.place("metadata.name"); line > 0 {
			where = fmt.Sprintf("%s:%d", earlier.file, line)
		}
		l.fault(ruleTwice, d, "metadata.name", "%s %s is defined in %s already", d.kind().Kind, d.name(), where)
	}
}

// checkSchema reports what an object has against the schema of its kind, if that is known.
func (l *linter) checkSchema(ctx context.Context, d *document) error {
	kind, err := l.library.Find(d.kind())
	if errors.Is(err, kinds.ErrUnknownGroup) {
		return nil
	}
	if err != nil {
		l.fault(ruleKindUnknown, d, "kind", "%v", err)
		return nil
	}
	faults, err := kind.Check(ctx, d.object)
	if err != nil {
		return err
	}
	for _, fault := range faults {
		if !d.at.Unread(fault.Path) {
			l.fault(ruleSchema, d, fault.Path, "%s", fault.Message)
		}
	}
	return nil
}

// checkPlace reports whether an object is of a kind that has no business in its part, or that the hub refuses.
func (l *linter) checkPlace(d *document) bool {
	if message := superseded(d.kind()); message != "" {
		l.fault(ruleKindOld, d, "apiVersion", "%s", message)
		return true
	}
	if kind := d.kind(); kind.Group == "" && kind.Kind == "Secret" {
		l.fault(ruleSecret, d, "kind", "a Secret does not belong in Git, and the hub refuses it: "+
			"take it out, and say in spec.secrets of bead.yaml which one must be there")
		return true
	}
	if message := misplaced(d); message != "" {
		l.fault(ruleKindMisplaced, d, "kind", "%s", message)
		return true
	}
	if d.spokes {
		return false
	}
	return l.checkHub(d)
}

// checkHub reports what the hub refuses, by the rules of its AppProject beads.
func (l *linter) checkHub(d *document) bool {
	kind, namespace := d.kind(), d.unstructured().GetNamespace()
	if kind.Group == "argoproj.io" {
		l.fault(ruleRefused, d, "kind", "a Bead brings no %s: the hub makes those of Argo CD from application/ and bead.yaml",
			kind.Kind)
		return true
	}
	clusterWide := bead.ClusterWide(kind)
	if clusterWide && !allowedClusterWide(kind) {
		l.fault(ruleRefused, d, "kind",
			"the hub refuses a cluster-wide %s from a Bead: want objects in namespaces, Namespace and ClusterRole",
			kind.Kind)
		return true
	}
	switch {
	case kind.Group == "" && kind.Kind == "Namespace" && !strings.HasPrefix(d.name(), "bead-"):
		l.fault(ruleNamespace, d, "metadata.name", "%s is not a Bead's: want a namespace that begins with bead-, such as %s",
			d.name(), l.folder.Namespace())
	case !clusterWide && namespace != "" && !strings.HasPrefix(namespace, "bead-"):
		l.fault(ruleNamespace, d, "metadata.namespace",
			"%s is not a Bead's: want a namespace that begins with bead-, or none for %s",
			namespace, d.home)
	case kind.Group == rbacGroup && kind.Kind == "ClusterRole" && d.part != bead.PartApplication && !aggregated(d):
		l.fault(ruleAggregation, d, "metadata.labels", "gives nobody anything: want a label such as %s",
			`rbac.crossplane.io/aggregate-to-crossplane: "true"`)
	}
	return false
}

const rbacGroup = "rbac.authorization.k8s.io"

// aggregated says whether a ClusterRole's rules are taken over by another.
func aggregated(d *document) bool {
	for label, value := range d.unstructured().GetLabels() {
		if strings.Contains(label, "/aggregate-to-") && value == "true" {
			return true
		}
	}
	return false
}

// allowedClusterWide says whether AppProject beads allows a cluster-wide kind.
func allowedClusterWide(kind schema.GroupVersionKind) bool {
	switch kind.Group {
	case "":
		return kind.Kind == "Namespace"
	case rbacGroup:
		return kind.Kind == "ClusterRole"
	case "apiextensions.crossplane.io":
		switch kind.Kind {
		case "CompositeResourceDefinition", "Composition", "EnvironmentConfig", "ManagedResourceActivationPolicy":
			return true
		}
		return false
	case "pkg.crossplane.io", policyGroup:
		return true
	}
	return kind.Kind == "ProviderConfig" || kind.Kind == "ClusterProviderConfig"
}

// superseded says what has replaced a kind or version, if something has.
func superseded(kind schema.GroupVersionKind) string {
	switch {
	case kind.Group == "kyverno.io" && (kind.Kind == "ClusterPolicy" || kind.Kind == "Policy"):
		return fmt.Sprintf("%s of kyverno.io is the old form of policies: want policies.kyverno.io/v1 "+
			"and ValidatingPolicy, MutatingPolicy, GeneratingPolicy, DeletingPolicy or ImageValidatingPolicy", kind.Kind)
	case kind.Group == "kyverno.io":
		return fmt.Sprintf("%s of kyverno.io is for the old form of policies: want kinds of policies.kyverno.io/v1",
			kind.Kind)
	case kind.Group == policyGroup && kind.Version != "v1":
		return fmt.Sprintf("%s is no longer the version of policies: want policies.kyverno.io/v1", kind.Version)
	case kind.Group == "apiextensions.crossplane.io" && kind.Kind == "CompositeResourceDefinition" && kind.Version != "v2":
		return fmt.Sprintf("%s is not the version of a Bead's composites: want apiextensions.crossplane.io/v2", kind.Version)
	}
	return ""
}

// misplaced says where an object belongs, if it is not where it is.
func misplaced(d *document) string {
	kind := d.kind()
	home := partOf(kind)
	switch {
	case d.part == bead.PartApplication && home != "" && home != bead.PartApplication:
		return fmt.Sprintf("a %s belongs in %s/", kind.Kind, home)
	case d.part != bead.PartApplication && home != d.part && (kind.Group != rbacGroup || kind.Kind != "ClusterRole"):
		if home == "" {
			home = bead.PartApplication
		}
		return fmt.Sprintf("a %s does not belong in %s/: move it to %s/", kind.Kind, d.part, home)
	}
	return ""
}

// partOf returns the part that a kind is of; empty if it is of none in particular.
func partOf(kind schema.GroupVersionKind) bead.Part {
	switch kind.Group {
	case policyGroup:
		return bead.PartPolicies
	case "apiextensions.crossplane.io", "pkg.crossplane.io":
		return bead.PartComposites
	case "backstage.io", "scaffolder.backstage.io":
		return bead.PartTemplates
	}
	if kind.Kind == "ProviderConfig" || kind.Kind == "ClusterProviderConfig" {
		return bead.PartComposites
	}
	return ""
}
