package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/back-stack/backstack/beads/artifact"
)

func newBeadPushCommand(a *app) *cobra.Command {
	var format format
	c := &cobra.Command{
		Use:   "push PATH oci://HOST/REPOSITORY[:TAG]",
		Short: "Put a Bead into an OCI registry",
		Long: `Push packages a Bead's folder, or takes a file that package wrote, and puts it into a registry. Without a tag it gets
the Bead's version. Credentials are those of the Docker configuration (docker login).`,
		Example: `  backstack bead push ./postgres oci://registry.example.com/beads/postgres

  # sign it, for hubs whose hub.yaml asks for signatures (spec.beads.publicKey)
  # (version 3 of cosign wants --new-bundle-format=false --use-signing-config=false as well)
  cosign sign --key cosign.key --tlog-upload=false registry.example.com/beads/postgres@sha256:...`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 2 {
				return &usageError{fmt.Errorf("%s takes a folder or a packaged file, and where it goes, got %q: `%s --help` has examples",
					c.CommandPath(), strings.Join(args, " "), c.CommandPath())}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if _, err := artifact.ParseReference(args[1]); err != nil {
				return &usageError{err}
			}
			made, err := packOrRead(args[0])
			if err != nil {
				return err
			}
			reference, err := artifact.Push(c.Context(), args[1], made, artifact.Options{})
			if err != nil {
				return err
			}
			result := describePackage(made)
			result.Reference = reference.String()
			return format.print(a.streams.Out, result, func(w io.Writer) error {
				_, err := fmt.Fprintln(w, result.Reference)
				return err
			})
		},
	}
	addOutputFlag(c, &format)
	return c
}

// packOrRead returns the artifact of a folder, or the one in a packaged file.
func packOrRead(path string) (*artifact.Package, error) {
	if !strings.HasSuffix(path, ".tar") {
		return pack(path)
	}
	made, err := artifact.ReadFile(path)
	if err != nil {
		return nil, &usageError{err}
	}
	return made, nil
}
