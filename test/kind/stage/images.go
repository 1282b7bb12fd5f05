package stage

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/back-stack/backstack/charts"
	"github.com/back-stack/backstack/engine"
	"github.com/back-stack/backstack/test/kind/stage/image"
)

// Versions of what only the tests have: the image of Redis that argo-helm's chart asks for, and the modules of
// programs/.
const (
	redisTag       = "8.2.3-alpine"
	traefikVersion = "3.6.7"
	httpEchoTag    = "1.0.0"
)

// parts are where the content of images comes from.
type parts struct {
	programs string            // the folder of what build has made
	engine   *engine.Engine    // which has Helm, the functions and Gitea's files
	modules  map[string]string // the folders of modules
	debian   []v1.Layer        // a Debian with Git, GnuPG, Redis
	static   v1.Layer          // what a program that is linked statically may look for
}

func (p parts) program(name string) string { return filepath.Join(p.programs, name) }

// makeImages makes the images of a hub's components under the names that upstream's charts give them.
func (p parts) makeImages(to image.Store) error {
	makers := []func(image.Store) error{p.argocd, p.redis, p.gitea, p.crossplane}
	static := func(name, program string, config v1.Config) {
		makers = append(makers, func(to image.Store) error { return p.staticImage(to, name, program, nil, config) })
	}
	kyverno := func(name, program string) {
		static(name+":v"+charts.Kyverno, program, v1.Config{
			Entrypoint: []string{"/ko-app/" + program}, User: "65532", WorkingDir: "/home/nonroot",
		})
	}
	kyverno("reg.kyverno.io/kyverno/kyverno", "kyverno")
	kyverno("reg.kyverno.io/kyverno/kyvernopre", "kyverno-init")
	kyverno("reg.kyverno.io/kyverno/background-controller", "background-controller")
	kyverno("reg.kyverno.io/kyverno/cleanup-controller", "cleanup-controller")
	kyverno("reg.kyverno.io/kyverno/reports-controller", "reports-controller")
	kyverno("ghcr.io/kyverno/readiness-checker", "readiness-checker")
	static("docker.io/traefik:v"+traefikVersion, "traefik", v1.Config{Entrypoint: []string{"/traefik"}})
	static("docker.io/hashicorp/http-echo:"+httpEchoTag, "http-echo", v1.Config{
		Entrypoint: []string{"/http-echo"}, User: "65532", Env: []string{"ECHO_TEXT=hello-world"},
	})
	for _, make := range makers {
		if err := make(to); err != nil {
			return err
		}
	}
	return nil
}

// staticImage makes an image of a program, at the path of its entry point, and other files.
func (p parts) staticImage(to image.Store, name, program string, files []image.File, config v1.Config) error {
	entry := image.File{Path: config.Entrypoint[0][1:], Mode: 0o755, Source: p.program(program)}
	layer, err := to.Layer(append(files, entry))
	if err != nil {
		return fmt.Errorf("making the image %s: %w", name, err)
	}
	config.Env = append(config.Env, "PATH="+searchPath)
	return to.Add(image.Spec{Name: name, Layers: []v1.Layer{p.static, layer}, Config: config})
}

const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// staticFiles are those of the base of images that hold a program alone.
func staticFiles() []image.File {
	return []image.File{
		{Path: "tmp", Mode: fs.ModeDir | fs.ModeSticky | 0o777},
		{Path: "home/nonroot", Mode: fs.ModeDir | 0o755, Owner: 65532},
		{Path: "etc/passwd", Mode: 0o644, Data: []byte("root:x:0:0:root:/root:/sbin/nologin\n" +
			"nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n")},
		{Path: "etc/group", Mode: 0o644, Data: []byte("root:x:0:\nnonroot:x:65532:\n")},
	}
}

// crossplane is Crossplane's image, with the definitions that it installs.
func (p parts) crossplane(to image.Store) error {
	cluster := filepath.Join(p.modules[crossplaneModule], "cluster")
	definitions, err := below(filepath.Join(cluster, "crds"), "crds")
	if err != nil {
		return fmt.Errorf("making Crossplane's image: %w", err)
	}
	webhooks, err := below(filepath.Join(cluster, "webhookconfigurations"), "webhookconfigurations")
	if err != nil {
		return fmt.Errorf("making Crossplane's image: %w", err)
	}
	return p.staticImage(to, "xpkg.crossplane.io/crossplane/crossplane:v"+charts.Crossplane, "crossplane",
		append(definitions, webhooks...), v1.Config{Entrypoint: []string{"/bin/crossplane"}, User: "65532"})
}

// argocd is Argo CD's image: its Dockerfile, with one program under all of its names. There is no Git LFS in it.
func (p parts) argocd(to image.Store) error {
	module := p.modules[argocdModule]
	const bin = "usr/local/bin/"
	files := []image.File{
		{Path: bin + "argocd", Mode: 0o755, Source: p.program("argocd")},
		{Path: bin + "helm", Mode: 0o755, Source: p.engine.Program("helm")},
		{Path: bin + "kustomize", Mode: 0o755, Source: p.program("kustomize")},
		{Path: bin + "git-verify-wrapper.sh", Mode: 0o755, Source: filepath.Join(module, "hack/git-verify-wrapper.sh")},
		{Path: bin + "gpg-wrapper.sh", Mode: 0o755, Source: filepath.Join(module, "hack/gpg-wrapper.sh")},
		{Path: bin + "entrypoint.sh", Mode: 0o755, Source: filepath.Join(module, "entrypoint.sh")},
		{Path: "home/argocd", Mode: fs.ModeDir | 0o775, Owner: 999},
		{Path: "app/config/ssh/ssh_known_hosts", Mode: 0o644},
		{Path: "etc/ssh/ssh_known_hosts", Link: "/app/config/ssh/ssh_known_hosts"},
		{Path: "app/config/tls", Mode: fs.ModeDir | 0o755},
		{Path: "app/config/gpg/source", Mode: fs.ModeDir | 0o755},
		{Path: "app/config/gpg/keys", Mode: fs.ModeDir | 0o700, Owner: 999},
	}
	for _, name := range []string{
		"server", "repo-server", "application-controller", "applicationset-controller", "k8s-auth", "git-ask-pass",
	} {
		files = append(files, image.File{Path: bin + "argocd-" + name, Link: "/" + bin + "argocd"})
	}
	return p.debianImage(to, "quay.io/argoproj/argocd:v"+charts.ArgoCD, files, v1.Config{
		Entrypoint: []string{"/usr/bin/tini", "--"}, User: "999", WorkingDir: "/home/argocd",
		Env: []string{"USER=argocd", "ARGOCD_USER_ID=999", "GRPC_ENABLE_TXT_SERVICE_CONFIG=false"},
	})
}

// redis is Debian's Redis, which takes arguments as the image of that name does.
func (p parts) redis(to image.Store) error {
	return p.debianImage(to, "ecr-public.aws.com/docker/library/redis:"+redisTag,
		[]image.File{{Path: "data", Mode: fs.ModeDir | 0o777}},
		v1.Config{Entrypoint: []string{"redis-server"}, WorkingDir: "/data"})
}

// gitea is the rootless variant of Gitea's image: its Dockerfile, with the files that upstream's program holds within
// itself beside it.
func (p parts) gitea(to image.Store) error {
	rootless := filepath.Join(p.modules[giteaModule], "docker", "rootless")
	files := []image.File{
		{Path: "app/gitea/gitea", Mode: 0o755, Source: p.program("gitea")},
		{Path: "usr/local/bin/environment-to-ini", Mode: 0o755, Source: p.program("environment-to-ini")},
		{Path: "var/lib/gitea", Mode: fs.ModeDir | 0o755, Owner: 1000},
		{Path: "etc/gitea", Mode: fs.ModeDir | 0o755, Owner: 1000},
	}
	for _, name := range []string{"gitea", "docker-entrypoint.sh", "docker-setup.sh"} {
		name = path.Join("usr/local/bin", name)
		files = append(files, image.File{Path: name, Mode: 0o755, Source: filepath.Join(rootless, name)})
	}
	files = append(files, image.File{
		Path: "etc/templates/app.ini", Mode: 0o644, Source: filepath.Join(rootless, "etc/templates/app.ini"),
	})
	static, err := below(p.engine.Share("gitea"), giteaFiles[1:])
	if err != nil {
		return fmt.Errorf("making Gitea's image: %w", err)
	}
	return p.debianImage(to, "docker.gitea.com/gitea:"+charts.Gitea+"-rootless", append(files, static...), v1.Config{
		Entrypoint: []string{"/usr/bin/dumb-init", "--", "/usr/local/bin/docker-entrypoint.sh"},
		User:       "1000:1000", WorkingDir: "/var/lib/gitea",
		ExposedPorts: map[string]struct{}{"2222/tcp": {}, "3000/tcp": {}},
		Volumes:      map[string]struct{}{"/var/lib/gitea": {}, "/etc/gitea": {}},
		Env: []string{
			"GITEA_WORK_DIR=/var/lib/gitea", "GITEA_CUSTOM=/var/lib/gitea/custom", "GITEA_TEMP=/tmp/gitea",
			"TMPDIR=/tmp/gitea", "GITEA_APP_INI=/etc/gitea/app.ini", "HOME=/var/lib/gitea/git",
		},
	})
}

func (p parts) debianImage(to image.Store, name string, files []image.File, config v1.Config) error {
	layer, err := to.Layer(files)
	if err != nil {
		return fmt.Errorf("making the image %s: %w", name, err)
	}
	config.Env = append(config.Env, "PATH="+searchPath)
	return to.Add(image.Spec{Name: name, Layers: append(p.debian[:len(p.debian):len(p.debian)], layer), Config: config})
}

// below lists the files below a folder, for a folder of an image.
func below(dir, to string) ([]image.File, error) {
	var files []image.File
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			files = append(files, image.File{
				Path: path.Join(to, name), Mode: 0o644, Source: filepath.Join(dir, filepath.FromSlash(name)),
			})
		}
		return err
	})
	return files, err
}

// debianRepository is where the Debian of images is, in docker.
const debianRepository = "backstack-e2e/debian"

//go:embed debian/Dockerfile
var debianDockerfile []byte

// debian builds the Debian of images, which takes docker for its packages, and returns its layers.
func debian(ctx context.Context, to image.Store, scratch string) ([]v1.Layer, error) {
	// The host's network is the one from which Debian's packages can be reached.
	id, err := dockerIn(ctx, debianDockerfile, "build", "--quiet", "--network", "host", "--tag", debianRepository, "-")
	if err != nil {
		return nil, fmt.Errorf("building the Debian of images: %w", err)
	}
	saved := filepath.Join(scratch, "debian.tar")
	defer func() { _ = os.Remove(saved) }()
	if _, err := docker(ctx, "save", "--output", saved, id); err != nil {
		return nil, fmt.Errorf("saving the Debian of images: %w", err)
	}
	built, err := tarball.ImageFromPath(saved, nil)
	if err != nil {
		return nil, fmt.Errorf("reading the Debian of images: %w", err)
	}
	layers, err := built.Layers()
	if err != nil {
		return nil, fmt.Errorf("reading the Debian of images: %w", err)
	}
	if len(layers) == 0 {
		return nil, errors.New("reading the Debian of images: it has no layers")
	}
	copies := make([]v1.Layer, len(layers))
	for i, l := range layers {
		if copies[i], err = to.Copy(l); err != nil {
			return nil, fmt.Errorf("reading the Debian of images: %w", err)
		}
	}
	return copies, nil
}
