// Package beads adds Beads to a hub, lists, upgrades and removes them. A Bead on a hub is files below beads/NAME in
// hub.git: plain manifests that Argo CD applies, with a lock that says where they come from. Every change is one commit.
package beads

import (
	"context"
	"io/fs"
	"time"

	"github.com/back-stack/backstack/beads/bead"
	"github.com/back-stack/backstack/beads/source"
	"github.com/back-stack/backstack/hub"
)

// Hub is a hub with its Beads.
type Hub struct {
	*hub.Access
	Library   fs.FS             // the Beads that can be named without a source; each is a folder
	Version   string            // of backstack, without a leading "v"
	Sources   source.Options    // how Beads that are elsewhere are fetched
	Charts    bead.ChartFetcher // gets charts that are kept elsewhere
	Timeout   time.Duration     // how long to wait for a Bead to become healthy, or to be gone
	NoWait    bool              // end with the commit
	Proposing Proposer          // if not nil, a commit becomes a pull request instead
}

// Proposer opens a pull request from a branch of hub.git, and returns its URL.
type Proposer func(ctx context.Context, branch, title, body string) (url string, err error)

// Change is what became, or would become, of a hub.
type Change struct {
	Bead        string   `json:"bead"`                  // the Bead that was asked for
	Version     string   `json:"version,omitempty"`     // its version from now on; empty if it is removed
	From        string   `json:"from,omitempty"`        // its version before; empty if it is new
	Source      string   `json:"source,omitempty"`      // where it comes from
	Digest      string   `json:"digest,omitempty"`      // of its files
	Also        []string `json:"also,omitempty"`        // the Beads that come along, because it requires them
	Files       []File   `json:"files"`                 // the files of hub.git that change
	Objects     []string `json:"objects"`               // what the Bead brings to the hub
	Warnings    []string `json:"warnings,omitempty"`    // what a person should know
	Revision    string   `json:"revision,omitempty"`    // the commit; empty if there was nothing to commit
	PullRequest string   `json:"pullRequest,omitempty"` // its URL, if there is one
}

// File is one file of hub.git that changes.
type File struct {
	Path   string `json:"path"`
	Action string `json:"action"` // add, change or remove
	Diff   string `json:"-"`      // what changes, as a unified diff
}

// hubView is what a Bead's templates see of the hub.
func (h *Hub) hubView() bead.Hub {
	return bead.Hub{
		Name: h.Name, Pods: h.Pods(), URL: h.Spec.Spec.Repositories.Hub, Requests: h.Spec.Spec.Repositories.Requests,
	}
}
