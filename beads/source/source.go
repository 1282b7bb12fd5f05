// Package source turns what a person writes behind "bead add" into a Bead's files: a name in the library, a folder, a
// packaged file, an artifact in a registry or a folder of a Git repository. Each gives files, a digest of them that is
// the same wherever they came from, and a text that names the very same files again.
package source

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/back-stack/backstack/beads/artifact"
)

// Fetched is what Fetch found.
type Fetched struct {
	// Files are the Bead's: slash-separated paths from its folder, and contents.
	Files map[string][]byte

	// Source names exactly these files: Parse reads it, and Fetch returns them again as long as they are kept there. Of a
	// folder or a file on a disk it is file:NAME, which Parse refuses: it only says what it was called, for nobody else
	// has that disk.
	Source string

	// Origin is Source without what pins it: with the tag or branch that was asked for, if any. It is where a newer
	// version is to be looked for.
	Origin string

	// Digest is artifact.Digest of the files, sha256:HEX.
	Digest string

	// Revision is the commit of a Git repository, or the digest of an artifact, by which Source names it. Else it is
	// empty.
	Revision string

	// Version is what an artifact says its version is, which bead.yaml in it should say as well. Else it is empty.
	Version string
}

// Options is what sources are fetched with.
type Options struct {
	// Library is a file system whose folders are Beads; nil if there is no library.
	Library fs.FS

	// Home is the folder that ~ stands for.
	Home string

	// CA is PEM of the authorities to trust besides the machine's, for registries and Git repositories.
	CA []byte

	// PublicKey is a cosign.pub. With it, an artifact of a registry is refused unless it is signed. Other sources cannot
	// be signed: whether they are let in is for the caller to decide, by Reference.Kind.
	PublicKey []byte

	// Git is who to be for Git repositories over HTTPS that ask; those over SSH ask the SSH agent.
	Git Credentials
}

// Credentials are a user's on one server, or an empty Token for nobody's.
type Credentials struct {
	Host     string // HOST or HOST:PORT: no other server is told the others
	Username string
	Token    string
}

// Fetch returns the files that a reference names. What it returns was checked as artifact.Unpack does; whether it is a
// good Bead is not looked at.
func Fetch(ctx context.Context, ref Reference, o Options) (*Fetched, error) {
	fetched, err := fetch(ctx, ref, o)
	if err != nil {
		return nil, fmt.Errorf("fetching %s: %w", ref, err)
	}
	if fetched.Digest, err = artifact.Digest(fetched.Files); err != nil {
		return nil, fmt.Errorf("fetching %s: %w", ref, err)
	}
	return fetched, nil
}

func fetch(ctx context.Context, ref Reference, o Options) (*Fetched, error) {
	switch ref.Kind {
	case Library:
		return fetchLibrary(ref, o.Library)
	case Folder:
		return fetchFolder(ref, o.Home)
	case File:
		return fetchFile(ref, o.Home)
	case Registry:
		return fetchRegistry(ctx, ref, o)
	case Git:
		return fetchGit(ctx, ref, o)
	}
	return nil, fmt.Errorf("there is nothing to fetch: %s", forms())
}
