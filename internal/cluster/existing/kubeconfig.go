package existing

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/back-stack/backstack/internal/strictyaml"
)

// kubeconfig returns the one context that the options name, with what its certificates' files hold in it.
func (o Options) kubeconfig() (*api.Config, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.MigrationRules = nil // they would write files
	rules.WarnIfAllMissing = false
	if o.Kubeconfig != "" {
		rules.Precedence = filepath.SplitList(o.Kubeconfig)
	}
	files, err := readable(rules.Precedence)
	if err != nil {
		return nil, err
	}
	merged, err := rules.Load()
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig %s: %w", strings.Join(files, ", "), err)
	}
	return single(merged, o.Context, strings.Join(files, ", "))
}

// readable returns the files that are there, and every fault in them. One that is missing beside others is none:
// kubectl passes it over too.
func readable(paths []string) ([]string, error) {
	var files []string
	var faults []error
	for _, path := range paths {
		if path == "" {
			continue
		}
		switch _, err := clientcmd.LoadFromFile(path); {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			faults = append(faults, fmt.Errorf("reading the kubeconfig %s: %w: want a file such as `kubectl config view` prints",
				path, err))
		default:
			files = append(files, path)
		}
	}
	if len(files) == 0 && len(faults) == 0 {
		return nil, fmt.Errorf("reading the kubeconfig %s: there is no such file: want one that has the cluster's context; "+
			"KUBECONFIG names another", strings.Join(paths, ", "))
	}
	return files, errors.Join(faults...)
}

// single cuts config down to one context.
func single(config *api.Config, name, files string) (*api.Config, error) {
	contexts := slices.Sorted(maps.Keys(config.Contexts))
	switch {
	case len(contexts) == 0:
		return nil, fmt.Errorf("looking for the cluster's context: %s has none: want a kubeconfig with a context for the "+
			"cluster", files)
	case name == "":
		return nil, fmt.Errorf("looking for the cluster's context: none is named, and the current one is not taken for it, "+
			"so that no cluster becomes a hub by accident: want one of %s", strings.Join(contexts, ", "))
	case config.Contexts[name] == nil:
		return nil, fmt.Errorf("looking for the context %s: it is not in %s: %s", strconv.Quote(name), files,
			strictyaml.OneOf(name, contexts))
	}
	flat := config.DeepCopy()
	flat.CurrentContext = name
	if err := clientcmd.ConfirmUsable(*flat, name); err != nil {
		return nil, fmt.Errorf("reading the context %s of %s: %w", strconv.Quote(name), files, err)
	}
	if err := errors.Join(api.MinifyConfig(flat), api.FlattenConfig(flat)); err != nil {
		return nil, fmt.Errorf("reading the context %s of %s: %w", strconv.Quote(name), files, err)
	}
	return flat, nil
}

// ownKubeconfig reads what Ensure wrote; nil if it has not been here.
func (c *Cluster) ownKubeconfig() (*api.Config, error) {
	config, err := clientcmd.LoadFromFile(c.Kubeconfig())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the hub's kubeconfig %s: %w: `backstack install` writes it anew", c.Kubeconfig(), err)
	}
	return config, nil
}

// ownIdentity returns which cluster Ensure has put the hub on; empty if it has not been here.
func (c *Cluster) ownIdentity() (string, error) {
	data, err := os.ReadFile(c.identityFile())
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("reading which cluster hub %s is on: %w", c.options.Name, err)
	}
	return strings.TrimSpace(string(data)), nil
}

// serverOf is the URL of the API server of config's current context.
func serverOf(config *api.Config) string {
	if context := config.Contexts[config.CurrentContext]; context != nil && config.Clusters[context.Cluster] != nil {
		return config.Clusters[context.Cluster].Server
	}
	return ""
}

// userOf is the account of config's current context.
func userOf(config *api.Config) *api.AuthInfo {
	if context := config.Contexts[config.CurrentContext]; context != nil && config.AuthInfos[context.AuthInfo] != nil {
		return config.AuthInfos[context.AuthInfo]
	}
	return &api.AuthInfo{}
}
