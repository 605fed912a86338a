package programs

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

// block is the bytes of which GNU's tar writes a multiple.
const block = 10240

// archive is a run of tar, which kubectl cp asks for in a container.
type archive struct {
	*run
	o options
	// hasFailed says that a file could not be read or written; the others are.
	hasFailed bool
	// out is where an archive is written, and size how much of it is.
	out  io.Writer
	size int
}

func (a *archive) Write(bytes []byte) (int, error) {
	a.size += len(bytes)
	return a.out.Write(bytes)
}

// runTar writes an archive of files (c), extracts one (x) or lists it (t).
func runTar(r *run) int {
	r.help = "Try 'tar --help' or 'tar --usage' for more information."
	if len(r.Args) > 1 && !strings.HasPrefix(r.Args[1], "-") {
		process := *r.Process
		process.Args = append([]string{r.Args[0], "-" + r.Args[1]}, r.Args[2:]...)
		r.Process = &process
	}
	a := &archive{run: r, o: r.options("c,create x,extract t,list f,file= C,directory= " +
		"v,verbose z,gzip m,touch p,preserve-permissions ,no-same-permissions ,no-same-owner")}
	var err error
	switch {
	case a.o.has("c") && !a.o.has("x") && !a.o.has("t"):
		if len(a.o.operands) == 0 {
			r.misuse("Cowardly refusing to create an empty archive")
		}
		err = a.create()
	case a.o.has("x") != a.o.has("t") && !a.o.has("c"):
		err = a.read()
	default:
		r.misuse("You must specify one of the '-ctx' options")
	}
	switch {
	case err != nil:
		r.fail(2, "%s", err)
		return r.fail(2, "Error is not recoverable: exiting now")
	case a.hasFailed:
		return r.fail(2, "Exiting with failure status due to previous errors")
	}
	return 0
}

// reportFailure says what went wrong with a file.
func (a *archive) reportFailure(name, what string, err error) {
	a.hasFailed = true
	a.fail(2, "%s: %s: %s", name, what, reason(err))
}

// at returns a name below the directory of -C.
func (a *archive) at(name string) string {
	if strings.HasPrefix(name, "/") {
		return name
	}
	return path.Join(a.o.last("C"), name)
}

func (a *archive) create() (err error) {
	a.out = a.run.out
	if name := a.o.last("f"); name != "" && name != "-" {
		file, err := a.OpenFile(name, createFlag(false), 0o644)
		if err != nil {
			return errors.New(name + ": Cannot open: " + reason(err))
		}
		defer file.Close()
		a.out = file
	}
	if a.o.has("z") {
		compressed := gzip.NewWriter(a.out)
		defer func() { err = errors.Join(err, compressed.Close()) }()
		a.out = compressed
	}
	writer := tar.NewWriter(a)
	for _, name := range a.o.operands {
		if strings.HasPrefix(name, "/") {
			a.fail(0, "Removing leading `/' from member names")
		}
		if err := a.add(writer, name); err != nil {
			return err
		}
	}
	if err := writer.Close(); err != nil {
		return err
	}
	_, err = a.Write(make([]byte, (block-a.size%block)%block))
	return err
}

// add writes a file, or a directory and all below it.
func (a *archive) add(writer *tar.Writer, name string) error {
	info, err := a.Lstat(a.at(name))
	if err != nil {
		a.reportFailure(name, "Cannot stat", err)
		return nil
	}
	target := ""
	if info.Mode()&fs.ModeSymlink != 0 {
		if target, err = a.Readlink(a.at(name)); err != nil {
			a.reportFailure(name, "Cannot readlink", err)
			return nil
		}
	}
	header, err := tar.FileInfoHeader(info, target)
	if err != nil {
		return errors.New(name + ": " + err.Error())
	}
	header.Name = strings.TrimLeft(name, "/")
	if info.IsDir() {
		header.Name = strings.TrimRight(header.Name, "/") + "/"
	}
	var file io.ReadCloser = io.NopCloser(strings.NewReader(""))
	if info.Mode().IsRegular() {
		if file, err = a.Open(a.at(name)); err != nil {
			a.reportFailure(name, "Cannot open", err)
			return nil
		}
	}
	defer file.Close()
	if err := writer.WriteHeader(header); err != nil {
		return err
	}
	if a.o.has("v") {
		a.print(header.Name)
	}
	if info.IsDir() {
		entries, err := a.ReadDir(a.at(name))
		for _, entry := range entries {
			if err == nil {
				err = a.add(writer, path.Join(name, entry.Name()))
			}
		}
		return err
	}
	_, err = io.Copy(writer, file)
	return err
}

func (a *archive) read() error {
	name := a.o.last("f")
	if name == "" {
		name = "-"
	}
	file, err := a.open(name)
	if err != nil {
		return errors.New(name + ": Cannot open: " + reason(err))
	}
	defer file.Close()
	var in io.Reader = file
	if a.o.has("z") {
		if in, err = gzip.NewReader(file); err != nil {
			return errors.New("This does not look like a tar archive")
		}
	}
	reader := tar.NewReader(in)
	for isFirst := true; ; isFirst = false {
		header, err := reader.Next()
		switch {
		case err == io.EOF:
			return nil
		case err != nil && isFirst:
			a.hasFailed = true
			a.fail(2, "This does not look like a tar archive")
			return nil
		case err != nil:
			return errors.New("Unexpected EOF in archive")
		}
		// None leads out of the directory.
		name := path.Clean("/" + header.Name)[1:]
		if wanted := a.o.operands; len(wanted) > 0 && !isBelow(name, wanted) {
			continue
		}
		if a.o.has("v") || a.o.has("t") {
			a.print(header.Name)
		}
		if a.o.has("t") || name == "" {
			continue
		}
		if err := a.extract(header, a.at(name), reader); err != nil {
			a.reportFailure(header.Name, "Cannot open", err)
		}
	}
}

// isBelow reports whether a name is one of others, or in a directory of them.
func isBelow(name string, others []string) bool {
	for _, other := range others {
		other = path.Clean("/" + other)[1:]
		if name == other || strings.HasPrefix(name, other+"/") {
			return true
		}
	}
	return false
}

func (a *archive) extract(header *tar.Header, name string, in io.Reader) error {
	mode := header.FileInfo().Mode().Perm()
	if header.Typeflag == tar.TypeDir {
		err := a.makeDirectory(name, mode, true)
		if errors.Is(err, fs.ErrExist) {
			return nil
		}
		return err
	}
	if parent := path.Dir(name); parent != "." {
		if err := a.makeDirectory(parent, 0o755, true); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	// A link that is there would lead elsewhere.
	if err := a.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if header.Typeflag == tar.TypeSymlink {
		return a.Symlink(header.Linkname, name)
	}
	file, err := a.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(file, in)
	return err
}
