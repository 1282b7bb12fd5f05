package stage

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
)

// nodeRepository is where the images of nodes are, in docker, by the hash of what they are made of.
const nodeRepository = "backstack-e2e/node"

// importImages takes a layout of images into a node's containerd, which runs in no cluster yet, and unpacks them and those
// that the node has, as they are on a node that has run before. Whatever is below /var is copied for each node that kind
// makes, so that what the images add lies elsewhere, with links to it. Overlays need a /var that is none itself, so that a
// volume is there meanwhile; the bind mount shows what of the node's image lies below it.
const importImages = `
cd /var/lib/containerd
large="io.containerd.content.v1.content/blobs/sha256 io.containerd.snapshotter.v1.overlayfs/snapshots"
mkdir -p /run/containerd $large
before=$(ls -d $(printf '%s/* ' $large) 2>/dev/null || true)
containerd >/run/containerd.log 2>&1 & daemon=$!
for i in $(seq 120); do ctr version >/dev/null 2>&1 && break; sleep 0.5; done
tar -C /images -cf - blobs index.json oci-layout | ctr --namespace k8s.io images import --snapshotter overlayfs - >/dev/null
for name in $(ctr --namespace k8s.io images ls --quiet | grep -v @ | grep -v ^sha256:); do
  ctr --namespace k8s.io images mount --snapshotter overlayfs "$name" /mnt >/dev/null
  ctr --namespace k8s.io images unmount --rm --snapshotter overlayfs /mnt >/dev/null
done
kill $daemon
wait $daemon || true
for dir in $large; do
  mkdir -p "/kind/images/$dir"
  for entry in "$dir"/*; do
    if grep -qxF "$entry" <<<"$before"; then continue; fi
    mv "$entry" "/kind/images/$entry"
    ln -s "/kind/images/$entry" "$entry"
  done
done
mount --bind / /mnt
rm -rf /mnt/var/lib/containerd
cp -a /var/lib/containerd /mnt/var/lib/
umount /mnt
`

// makeNode makes the image of a node that has the images in a folder, from that of one that does not.
func makeNode(ctx context.Context, from *dockerImage, images, name string) error {
	builder := "backstack-e2e-node"
	_, _ = docker(ctx, "rm", "--force", "--volumes", builder) // of a run that was killed
	defer func() { _, _ = docker(context.WithoutCancel(ctx), "rm", "--force", "--volumes", builder) }()
	if _, err := docker(ctx, "run", "--detach", "--privileged", "--name", builder, "--entrypoint", "sleep",
		"--mount", "type=volume,destination=/var", "--volume", filepath.Clean(images)+":/images:ro", from.ID, "infinity"); err != nil {
		return fmt.Errorf("starting the container that becomes a node's image: %w", err)
	}
	if _, err := docker(ctx, "exec", builder, "bash", "-euc", "set -o pipefail\n"+importImages); err != nil {
		return fmt.Errorf("putting images into a node's: %w", err)
	}
	commit := []string{"commit"} // of a container that has run something else
	for instruction, words := range map[string][]string{"ENTRYPOINT": from.Config.Entrypoint, "CMD": from.Config.Cmd} {
		if words == nil {
			words = []string{}
		}
		value, err := json.Marshal(words)
		if err != nil {
			return fmt.Errorf("keeping what a node's image runs: %w", err)
		}
		commit = append(commit, "--change", instruction+" "+string(value))
	}
	if _, err := docker(ctx, append(commit, builder, name)...); err != nil {
		return fmt.Errorf("making a node's image: %w", err)
	}
	return nil
}
