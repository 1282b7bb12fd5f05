package source

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/back-stack/backstack/beads/artifact"
)

// Kind says what a reference is to.
type Kind string

// The kinds of references.
const (
	Library  Kind = "library"  // NAME, or library:NAME as it stands in a lock
	Folder   Kind = "folder"   // a path
	File     Kind = "file"     // a path that ends in .tar
	Registry Kind = "registry" // oci://
	Git      Kind = "git"      // git::
)

// The beginnings of references; one without is a name or a path.
const (
	libraryPrefix = "library:"
	diskPrefix    = "file:"
	gitPrefix     = "git::"
)

// Reference is where a Bead comes from.
type Reference struct {
	Kind Kind

	// Path is the name in the library, the path on the disk, or the folder in the Git repository, "." for its root.
	Path string

	// Artifact is the artifact in the registry.
	Artifact artifact.Reference

	// Repository is the URL of the Git repository.
	Repository string

	// Revision is the branch, the tag or the commit; the repository's default branch if empty.
	Revision string
}

// String returns the text that Parse reads.
func (r Reference) String() string {
	switch r.Kind {
	case Registry:
		return r.Artifact.String()
	case Git:
		text := gitPrefix + r.Repository
		if r.Path != "." {
			text += "//" + r.Path
		}
		if r.Revision != "" {
			text += "@" + r.Revision
		}
		return text
	case Library:
		return libraryPrefix + r.Path
	}
	return r.Path
}

// forms lists what can be written.
func forms() string {
	return `want one of
  NAME                               a Bead of the library, such as namespace
  ./FOLDER, ../FOLDER, /FOLDER, ~/FOLDER
                                     a folder on this machine
  FILE.tar                           a file made by bead package
  oci://HOST/REPOSITORY[:TAG|@sha256:HEX]
                                     an artifact in a registry
  git::URL[//FOLDER][@REVISION]      a folder in a Git repository at a branch, tag or commit; URL begins with https://,
                                     ssh:// or file://`
}

// Parse reads what a person wrote, or the Source of a Fetched. Nothing is looked up. The error says what is wrong and
// lists all forms.
func Parse(text string) (Reference, error) {
	ref, err := parse(text)
	if err != nil {
		return Reference{}, errors.New(redact(fmt.Sprintf("reading the source %q: %v: %s", text, err, forms())))
	}
	return ref, nil
}

// redact hides the credentials of URLs.
func redact(message string) string {
	return regexp.MustCompile(`(https?://|://[^/@\s:]*:)[^/@\s]+@`).ReplaceAllString(message, "$1***@")
}

func parse(text string) (Reference, error) {
	switch {
	case text == "":
		return Reference{}, errors.New("there is none")
	case strings.TrimSpace(text) != text, strings.IndexFunc(text, unseen) >= 0:
		return Reference{}, errors.New("it has spaces around it, or characters that cannot be seen")
	case strings.HasPrefix(text, artifact.Scheme):
		ref, err := artifact.ParseReference(text)
		return Reference{Kind: Registry, Artifact: ref}, err
	case strings.HasPrefix(text, gitPrefix):
		return parseGit(strings.TrimPrefix(text, gitPrefix))
	case strings.HasPrefix(text, libraryPrefix):
		return parseName(strings.TrimPrefix(text, libraryPrefix))
	case strings.HasPrefix(text, diskPrefix):
		return Reference{}, errors.New("it is what a folder or file was called on the machine that it was added from: " +
			"name the folder or file by its path")
	}
	if hint := otherNotation(text); hint != "" {
		return Reference{}, fmt.Errorf("it is no path: write %s", hint)
	}
	switch {
	case strings.HasPrefix(text, "~") && text != "~" && !strings.HasPrefix(text, "~/"):
		return Reference{}, errors.New("the home folder of somebody else: write the whole path")
	case strings.HasSuffix(text, ".tar"):
		return Reference{Kind: File, Path: text}, nil
	case strings.HasPrefix(text, "."), strings.HasPrefix(text, "~"), strings.Contains(text, "/"):
		return Reference{Kind: Folder, Path: text}, nil
	}
	return parseName(text)
}

func unseen(r rune) bool { return !unicode.IsPrint(r) }

// parseName reads the name of a Bead in the library.
func parseName(name string) (Reference, error) {
	if before, _, versioned := strings.Cut(name, "@"); versioned {
		return Reference{}, fmt.Errorf("the library has one version of each Bead: write %s", before)
	}
	if len(validation.IsDNS1123Label(name)) > 0 {
		return Reference{}, errors.New(`it is no name of a Bead, which has lower-case letters, digits and "-"; ` +
			`of a folder it lacks the ./`)
	}
	return Reference{Kind: Library, Path: name}, nil
}

// otherNotation returns how what is written as other programs want it is written here, and nothing for what may be a
// path.
func otherNotation(text string) string {
	if scheme, rest, ok := strings.Cut(text, "://"); ok {
		switch scheme {
		case "https", "http", "ssh", "file":
			return gitPrefix + text
		case "git:https", "git:http", "git:ssh", "git:file":
			return gitPrefix + strings.TrimPrefix(text, "git:")
		}
		return artifact.Scheme + rest
	}
	if strings.HasPrefix(text, "oci:") || strings.HasPrefix(text, "docker:") {
		_, rest, _ := strings.Cut(text, ":")
		return artifact.Scheme + strings.TrimLeft(rest, "/")
	}
	if url := fromSCP(text); url != "" {
		return gitPrefix + url
	}
	return ""
}

// checkFolder judges the path of a folder in a repository.
func checkFolder(folder string) (string, error) {
	folder = strings.TrimSuffix(folder, "/")
	if folder == "" {
		return ".", nil
	}
	if !fs.ValidPath(folder) {
		return "", fmt.Errorf("the folder %q is no plain path: want one without . and .. from the repository's root", folder)
	}
	return folder, nil
}

// onDisk is the text that a lock has for a folder or a file on the disk that nobody else has.
func onDisk(name string) string {
	absolute, err := filepath.Abs(name)
	if err != nil {
		absolute = name
	}
	return diskPrefix + path.Base(filepath.ToSlash(absolute))
}
