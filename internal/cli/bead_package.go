package cli

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/back-stack/backstack/beads/artifact"
	"github.com/back-stack/backstack/beads/bead"
)

// packaged is what the commands that make an artifact print.
type packaged struct {
	Bead      string `json:"bead"`
	Version   string `json:"version"`
	Digest    string `json:"digest"`              // of the artifact, as in oci://HOST/REPOSITORY@DIGEST
	Files     string `json:"files"`               // digest of the Bead's files, as a lock has it
	Path      string `json:"path,omitempty"`      // of the file that was written
	Reference string `json:"reference,omitempty"` // in a registry
}

func newBeadPackageCommand(a *app) *cobra.Command {
	var format format
	var output string
	c := &cobra.Command{
		Use:   "package PATH",
		Short: "Make an OCI artifact of a Bead's folder",
		Long: `Package checks a Bead's description and writes the Bead to a file: a tar of an OCI image layout. The same files give the
same bytes on every machine.`,
		Example: "  backstack bead package ./postgres\n\n  backstack bead package ./postgres -f /tmp/postgres.tar",
		Args:    oneArg("a Bead's folder"),
		RunE: func(_ *cobra.Command, args []string) error {
			made, err := pack(args[0])
			if err != nil {
				return err
			}
			result := describePackage(made)
			if result.Path = output; result.Path == "" {
				result.Path = fmt.Sprintf("%s-%s.tar", made.About.Name, made.About.Version)
			}
			if err := made.WriteFile(result.Path); err != nil {
				return err
			}
			return format.print(a.streams.Out, result, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "%s\n%s\n", result.Path, result.Digest)
				return err
			})
		},
	}
	addOutputFlag(c, &format)
	c.Flags().StringVarP(&output, "file", "f", "", "the file to write (default NAME-VERSION.tar)")
	return c
}

// pack makes an artifact of a folder, whose bead.yaml must be in order.
func pack(dir string) (*artifact.Package, error) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, &usageError{fmt.Errorf("%s is no folder: want that of a Bead, with a %s", dir, bead.FileName)}
	}
	files, err := artifact.ReadFS(os.DirFS(dir))
	if err != nil {
		return nil, &usageError{err}
	}
	loaded, err := bead.Load(files)
	if err != nil {
		return nil, &usageError{err}
	}
	return artifact.Pack(files, artifact.About{
		Name: loaded.Metadata.Name, Version: loaded.Spec.Version, Description: loaded.Spec.Description, License: loaded.Spec.License,
	})
}

func describePackage(made *artifact.Package) packaged {
	return packaged{
		Bead: made.About.Name, Version: made.About.Version, Digest: made.Digest(), Files: made.LayerDigest(),
	}
}
