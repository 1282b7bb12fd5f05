package source

import (
	"strings"
	"testing"
)

func TestParseReadsAllForms(t *testing.T) {
	commit := strings.Repeat("0123456789", 4)
	digest := "sha256:" + strings.Repeat("ab", 32)
	repository := "https://github.com/org/beads.git"
	cases := map[string]Reference{
		"gke":                                 {Kind: Library, Path: "gke"},
		"library:gke":                         {Kind: Library, Path: "gke"},
		".":                                   {Kind: Folder, Path: "."},
		"./gke":                               {Kind: Folder, Path: "./gke"},
		"../gke":                              {Kind: Folder, Path: "../gke"},
		"/srv/gke":                            {Kind: Folder, Path: "/srv/gke"},
		"beads/gke":                           {Kind: Folder, Path: "beads/gke"},
		"beads/My gke@2":                      {Kind: Folder, Path: "beads/My gke@2"},
		"~":                                   {Kind: Folder, Path: "~"},
		"~/gke":                               {Kind: Folder, Path: "~/gke"},
		"gke-0.1.0.tar":                       {Kind: File, Path: "gke-0.1.0.tar"},
		"./dist/gke.tar":                      {Kind: File, Path: "./dist/gke.tar"},
		"~/gke.tar":                           {Kind: File, Path: "~/gke.tar"},
		"git::" + repository:                  {Kind: Git, Repository: repository, Path: "."},
		"git::" + repository + "//gke":        {Kind: Git, Repository: repository, Path: "gke"},
		"git::" + repository + "//a/b@v1.0.0": {Kind: Git, Repository: repository, Path: "a/b", Revision: "v1.0.0"},
		"git::" + repository + "//a/b/@feature/x": {Kind: Git, Repository: repository, Path: "a/b", Revision: "feature/x"},
		"git::" + repository + "//gke@gke@2":      {Kind: Git, Repository: repository, Path: "gke", Revision: "gke@2"},
		"git::" + repository + "//@main":          {Kind: Git, Repository: repository, Path: ".", Revision: "main"},
		"git::" + repository + "@" + commit:       {Kind: Git, Repository: repository, Path: ".", Revision: commit},
		"git::" + repository + "@refs/tags/v1":    {Kind: Git, Repository: repository, Path: ".", Revision: "refs/tags/v1"},
		"git::ssh://git@host/x//x@main":           {Kind: Git, Repository: "ssh://git@host/x", Path: "x", Revision: "main"},
		"git::ssh://git@host:2222/beads":          {Kind: Git, Repository: "ssh://git@host:2222/beads", Path: "."},
		"git::file:///srv/beads//gke@v1":          {Kind: Git, Repository: "file:///srv/beads", Path: "gke", Revision: "v1"},
		"git::http://127.0.0.1:3000/beads.git":    {Kind: Git, Repository: "http://127.0.0.1:3000/beads.git", Path: "."},
	}
	for text, want := range cases {
		if got, err := Parse(text); err != nil || got != want {
			t.Errorf("%s: %+v, error %v, want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"oci://ghcr.io/gke", "oci://localhost:5000/x/gke:0.1.0", "oci://ghcr.io/gke@" + digest} {
		if got, err := Parse(text); err != nil || got.Kind != Registry || got.String() != text {
			t.Errorf("%s: %+v, error %v, want an artifact", text, got, err)
		}
	}
}

func TestReferencesAreWrittenAsTheyAreRead(t *testing.T) {
	for _, text := range []string{
		"library:gke", "./gke", "gke.tar", "oci://ghcr.io/org/gke:0.1.0", "git::https://host/beads.git//a/b@main",
		"git::https://host/beads.git@main", "git::ssh://git@host/beads", "git::file:///srv/beads//gke",
	} {
		if ref, err := Parse(text); err != nil || ref.String() != text {
			t.Errorf("%s: written %s, error %v", text, ref, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	cases := map[string]string{
		"":                                       "there is none",
		" gke":                                   "spaces around it",
		"gke\x00":                                "cannot be seen",
		"GKE":                                    "no name of a Bead",
		"gke_2":                                  "no name of a Bead",
		"gke@0.1.0":                              "the library has one version of each Bead: write gke",
		"library:":                               "no name of a Bead",
		"library:../x":                           "no name of a Bead",
		"file:gke":                               "on the machine that it was added from",
		"~alice/gke":                             "write the whole path",
		"https://github.com/org/beads":           "write git::https://github.com/org/beads",
		"ssh://git@github.com/org/beads":         "write git::ssh://git@github.com/org/beads",
		"git@github.com:org/beads.git//gke@main": "write git::ssh://git@github.com/org/beads.git//gke@main",
		"git:https://host/x":                     "write git::https://host/x",
		"oci:ghcr.io/org/gke":                    "write oci://ghcr.io/org/gke",
		"docker://ghcr.io/org/gke":               "write oci://ghcr.io/org/gke",
		"oci://":                                 "no artifact in a registry",
		"oci://ghcr.io/org/gke:":                 "where a tag should be",
		"oci://ghcr.io/org/gke@sha256:1":         "no artifact in a registry",
		"git::":                                  "no URL of a repository",
		"git::host/org/beads":                    "no URL of a repository",
		"git::git@github.com:org/beads.git":      "write git::ssh://git@github.com/org/beads.git",
		"git::https://":                          "no path",
		"git::https://host":                      "no path",
		"git::https://host//gke":                 "no path",
		"git::https:///org/beads":                "no host",
		"git::file://srv/beads":                  "want file:///PATH",
		"git::ftp://host/beads":                  "ftp:// is no way",
		"git::http://host/beads":                 "plain HTTP",
		"git::https://token@host/beads":          "set BACKSTACK_GIT_HOST, BACKSTACK_GIT_USERNAME and BACKSTACK_GIT_TOKEN",
		"git::https://a:b@host/beads":            "set BACKSTACK_GIT_HOST, BACKSTACK_GIT_USERNAME and BACKSTACK_GIT_TOKEN",
		"git::ssh://a:b@host/beads":              "set BACKSTACK_GIT_HOST, BACKSTACK_GIT_USERNAME and BACKSTACK_GIT_TOKEN",
		"git::https://host/beads?ref=main":       "behind @",
		"git::https://host/beads#main":           "behind @",
		"git::https://host/beads//../x":          "no plain path",
		"git::https://host/beads//a/./b":         "no plain path",
		"git::https://host/beads@":               "want a branch, tag or commit",
		"git::https://host/beads@a..b":           `"a..b" is no branch`,
		"git::https://host/beads@--upload-pack":  `"--upload-pack" is no branch`,
		"git::https://host/beads@main:refs/x":    `"main:refs/x" is no branch`,
		"git::https://host/beads@refs/heads/*":   `"refs/heads/*" is no branch`,
	}
	for text, message := range cases {
		_, err := Parse(text)
		wantError(t, err, message, "reading the source", "want one of", "NAME", "./FOLDER", "FILE.tar", "oci://", "git::URL")
	}
}

func TestParseKeepsCredentialsOutOfItsErrors(t *testing.T) {
	for _, text := range []string{
		"git::https://alice:s3cret@host/beads", "git::https://s3cret@host/beads", "git::ssh://git:s3cret@host/beads",
		"https://alice:s3cret@host/beads", "oci://alice:s3cret@host/beads",
	} {
		_, err := Parse(text)
		if err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("error %v, want one without the password", err)
		}
	}
}
