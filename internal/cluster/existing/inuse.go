package existing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// InUseError says that a hub is not removed because of objects that stand for something outside the cluster, or that
// people rely on. Nothing was touched.
type InUseError struct {
	Objects []string // Kind name, or Kind namespace/name
}

func (e *InUseError) Error() string {
	return "what these stand for would be left to nobody: want them deleted and gone first, or --force, which " +
		"deletes them with what they composed on the cluster, and leaves what they stand for elsewhere:\n  " + strings.Join(e.Objects, "\n  ")
}

// refuse returns an *InUseError if there are composites, claims or managed resources. If that is forced, it notes
// those whose counterparts stay.
func (r *remover) refuse(ctx context.Context) error {
	var using []definition
	for _, d := range r.definitions {
		if slices.ContainsFunc([]string{"composite", "claim", managedCategory}, d.in) {
			using = append(using, d)
		}
	}
	var found []string
	var lock sync.Mutex
	err := forEach(using, func(d definition) error {
		objects, err := r.list(ctx, d.GroupVersionResource, "")
		if err != nil {
			return fmt.Errorf("looking for what is in use: %w", err)
		}
		lock.Lock()
		defer lock.Unlock()
		for i := range objects {
			found = append(found, describeObject(d.kind, &objects[i]))
			if r.cluster.options.Force && d.in(managedCategory) {
				r.cluster.leave("%s", counterpart(d.kind, &objects[i]))
			}
		}
		return nil
	})
	slices.Sort(found)
	switch {
	case r.cluster.options.Force:
		return nil // what cannot be listed is told when its definition is removed
	case len(found) > 0:
		return &InUseError{Objects: found}
	case apierrors.IsForbidden(err):
		return fmt.Errorf("%w: so nobody can say whether something would be lost: want what an install is allowed, or --force", err)
	case err != nil:
		return errors.Join(err, errors.New("so nobody can say whether something would be lost: want Crossplane and its "+
			"providers to run first, or --force"))
	}
	return nil
}

// managedCategory is that of the kinds that stand for something outside the cluster.
const managedCategory = "managed"

// counterpart says what stays of a managed resource.
func counterpart(k kind, obj *metav1.PartialObjectMetadata) string {
	text := "what " + describeObject(k, obj) + " stands for"
	if external := obj.Annotations[externalAnnotation]; external != "" {
		text += ", called " + external + " there"
	}
	return text + ": nobody looks after it from now on"
}

// describeObject names an object for a person.
func describeObject(k kind, obj *metav1.PartialObjectMetadata) string {
	if obj.Namespace != "" {
		return k.Kind + " " + obj.Namespace + "/" + obj.Name
	}
	return k.Kind + " " + obj.Name
}
