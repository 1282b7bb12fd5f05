package kind

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/back-stack/backstack/internal/atomicfile"
)

// What a node is told of registries lies in files of the hub's folder that the node sees, so that it can be changed
// while the node runs: containerd reads certs.d whenever it pulls an image, and the kubelet its logins every five
// minutes.
const (
	certsDir  = "/etc/containerd/certs.d" // https://github.com/containerd/containerd/blob/main/docs/hosts.md
	loginsDir = "/.docker"                // one of those where the kubelet looks for config.json

	authorities = "authorities.pem" // in certsDir
	registryCA  = "ca.pem"          // in the registry's own folder
	allHosts    = "_default"        // the folder for registries without one of their own
)

// nodeMounts are the folders with the node's files.
func (o Options) nodeMounts() []Mount {
	dir := filepath.Join(o.Dir, "node")
	return []Mount{
		{HostPath: filepath.Join(dir, "certs.d"), ContainerPath: certsDir, ReadOnly: true},
		{HostPath: filepath.Join(dir, "logins"), ContainerPath: loginsDir, ReadOnly: true},
	}
}

// certsPatches make containerd look at certsDir. kind applies only the patch of the version that the node's own
// configuration has.
func certsPatches() []string {
	const images = `plugins."io.containerd.cri.v1.images"`
	patches := make([]string, 0, 3)
	for version, plugin := range []string{2: `plugins."io.containerd.grpc.v1.cri"`, 3: images, 4: images} {
		if plugin != "" {
			patches = append(patches, fmt.Sprintf("version = %d\n[%s.registry]\nconfig_path = %q\n", version, plugin, certsDir))
		}
	}
	return patches
}

var hostPattern = regexp.MustCompile(`^(_default|[A-Za-z0-9.-]*[A-Za-z0-9](:[0-9]+)?)$`)

// mirrorFaults says which mirrors are for something that is not the host of a registry: the host becomes a path.
func (o Options) mirrorFaults() []error {
	var faults []error
	for _, host := range slices.Sorted(maps.Keys(o.Mirrors)) {
		if !hostPattern.MatchString(host) {
			faults = append(faults, fmt.Errorf("spec.kind.mirrors has %q, which is not a registry: want its host, with its "+
				"port if it has one, such as docker.io or registry.example.com:5000", host))
		}
	}
	return faults
}

// nodeFiles are the node's files by their path below nodeDir.
func (o Options) nodeFiles() (map[string][]byte, error) {
	files := map[string][]byte{}
	certs := func(name ...string) string { return filepath.Join(append([]string{"certs.d"}, name...)...) }
	hosts := slices.Collect(maps.Keys(o.Mirrors))
	if len(o.Authorities) > 0 {
		files[certs(authorities)] = o.Authorities
		hosts = append(hosts, allHosts)
	}
	if o.Registry != nil {
		hosts = append(hosts, o.Registry.Host())
		if len(o.Registry.CA) > 0 {
			files[certs(o.Registry.Host(), registryCA)] = o.Registry.CA
		}
		logins, err := o.logins()
		if err != nil {
			return nil, err
		}
		if logins != nil {
			files[filepath.Join("logins", "config.json")] = logins
		}
	}
	for _, host := range hosts {
		text, err := o.hostsTOML(host)
		if err != nil {
			return nil, err
		}
		files[certs(host, "hosts.toml")] = []byte(text)
	}
	return files, nil
}

// hostsTOML says where containerd finds the images of a registry and whom it trusts there.
func (o Options) hostsTOML(host string) (string, error) {
	var cas []string
	if len(o.Authorities) > 0 {
		cas = append(cas, path.Join(certsDir, authorities))
	}
	own := cas
	if o.Registry != nil && o.Registry.Host() == host && len(o.Registry.CA) > 0 {
		own = append(slices.Clone(cas), path.Join(certsDir, host, registryCA))
	}
	text := caLine("", own)
	mirror := o.Mirrors[host]
	if mirror == "" {
		return text, nil
	}
	u, err := url.Parse(mirror)
	if err != nil {
		return "", fmt.Errorf("the mirror of %s: %w", host, err)
	}
	text += fmt.Sprintf("\n[host.%s]\n  capabilities = [\"pull\", \"resolve\"]\n", strconv.Quote(mirror))
	if mirrorPath(u.Path) {
		text += "  override_path = true\n"
	}
	// With an authority for it, containerd would try a mirror without TLS with TLS first.
	if u.Scheme == "https" {
		text += caLine("  ", cas)
	}
	return text, nil
}

func caLine(indent string, files []string) string {
	if len(files) == 0 {
		return ""
	}
	quoted := make([]string, len(files))
	for i, file := range files {
		quoted[i] = strconv.Quote(file)
	}
	return fmt.Sprintf("%sca = [%s]\n", indent, strings.Join(quoted, ", "))
}

// mirrorPath says whether the path of a mirror's URL is the root of its API, and not the prefix of that: it is where it
// goes through /v2 to some project, as that of a proxy cache of Harbor does.
func mirrorPath(path string) bool { return strings.HasPrefix(path, "/v2/") && len(path) > len("/v2/") }

// logins are the registry's login as Docker keeps it; nil if there is none.
func (o Options) logins() ([]byte, error) {
	login := o.Registry.Login
	if login.Username == "" && login.Password == "" {
		return nil, nil
	}
	auth := base64.StdEncoding.EncodeToString([]byte(login.Username + ":" + login.Password))
	data, err := json.MarshalIndent(map[string]any{
		"auths": map[string]any{o.Registry.Host(): map[string]string{"auth": auth}},
	}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encoding the login of registry %s: %w", o.Registry.Host(), err)
	}
	return append(data, '\n'), nil
}

// writeNodeFiles writes the node's files and removes those that are not any more.
func (c *Cluster) writeNodeFiles() error {
	files, err := c.options.nodeFiles()
	if err != nil {
		return err
	}
	for _, mount := range c.options.nodeMounts() {
		if err := os.MkdirAll(mount.HostPath, 0o700); err != nil {
			return fmt.Errorf("making the files of node %s: %w", c.node(), err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		name, data := filepath.Join(c.nodeDir(), name), files[name]
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return fmt.Errorf("making the files of node %s: %w", c.node(), err)
		}
		if err := atomicfile.Write(name, data, 0o600); err != nil {
			return err
		}
	}
	return filepath.WalkDir(c.nodeDir(), func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		below, err := filepath.Rel(c.nodeDir(), name)
		if _, wanted := files[below]; err != nil || wanted {
			return err
		}
		return os.Remove(name)
	})
}
