package programs

import (
	"crypto/sha256"
	"fmt"
	"io"
	"strings"
)

// sha256sum writes the digests of files, or checks those of a list.
func sha256sum(r *run) int {
	o := r.options("c,check b,binary t,text ,status ,quiet")
	if o.has("c") {
		return r.checkDigests(o)
	}
	return r.eachFile(o.operands, func(name string, in io.Reader) error {
		digest, err := digestOf(in)
		if err == nil {
			r.printf("%s  %s\n", digest, name)
		}
		return err
	})
}

func digestOf(in io.Reader) (string, error) {
	hash := sha256.New()
	_, err := io.Copy(hash, in)
	return fmt.Sprintf("%x", hash.Sum(nil)), err
}

func (r *run) checkDigests(o options) int {
	lines, code := r.lines(o.operands)
	wrong, unread, isQuiet := 0, 0, o.has("status")
	for _, line := range lines {
		wanted, name, _ := strings.Cut(line, " ")
		name = strings.TrimPrefix(strings.TrimPrefix(name, " "), "*")
		if len(wanted) != 2*sha256.Size || name == "" {
			continue
		}
		file, err := r.open(name)
		digest := ""
		if err == nil {
			digest, err = digestOf(file)
			file.Close()
		}
		switch {
		case err != nil:
			unread++
			r.fail(1, "%s: %s", name, reason(err))
			if !isQuiet {
				r.printf("%s: FAILED open or read\n", name)
			}
		case digest != strings.ToLower(wanted):
			wrong++
			if !isQuiet {
				r.printf("%s: FAILED\n", name)
			}
		case !isQuiet && !o.has("quiet"):
			r.printf("%s: OK\n", name)
		}
	}
	warn := func(count int, one, several string) {
		if count == 0 {
			return
		}
		code = 1
		text := several
		if count == 1 {
			text = one
		}
		if !isQuiet {
			r.fail(1, "WARNING: %d %s", count, text)
		}
	}
	warn(unread, "listed file could not be read", "listed files could not be read")
	warn(wrong, "computed checksum did NOT match", "computed checksums did NOT match")
	return code
}
