"""Help, options, mistakes and completion, for every command in the registry."""
import re
import shutil
import subprocess
import unittest

import program
from program import sluice


def commands():
    text = sluice("help").stdout
    return re.findall(r"^  (\w+) ", text.split("commands:")[1], re.M)


class Options(unittest.TestCase):
    def test_every_command_has_help(self):
        for name in commands():
            for run in (sluice(name, "--help"), sluice("help", name), sluice(name, "-h")):
                self.assertEqual(run.returncode, 0, name)
                self.assertIn(f"usage: sluice {name}", run.stdout)
                self.assertIn("--help", run.stdout)
                self.assertNotIn("\n\n\n", run.stdout, name)
                self.assertEqual(run.stderr, "")

    def test_no_colour_in_a_pipe(self):
        self.assertNotIn("\033", sluice("help").stdout + sluice("version", "--help").stdout)

    def test_unknown_option_names_the_nearest(self):
        for name in commands():
            run = sluice(name, "--hlep")
            self.assertEqual(run.returncode, 2, name)
            self.assertIn('did you mean "--help"?', run.stderr)
            self.assertIn(f"usage: sluice {name}", run.stderr)

    def test_unknown_command_names_the_nearest(self):
        run = sluice("versoin")
        self.assertEqual(run.returncode, 2)
        self.assertIn('no command "versoin"; did you mean "version"?', run.stderr)
        self.assertEqual(sluice("help", "nothing-like-it").returncode, 2)

    def test_no_command(self):
        run = sluice()
        self.assertEqual(run.returncode, 2)
        self.assertIn("usage: sluice COMMAND", run.stderr)

    def test_flags_take_no_value(self):
        run = sluice("version", "--verbose=yes")
        self.assertEqual(run.returncode, 2)
        self.assertIn('--verbose takes no value, found "yes"', run.stderr)

    def test_version(self):
        self.assertRegex(sluice("--version").stdout, r"^sluice \d+\.\d+\.\d+\n$")
        self.assertIn("OpenSSL", sluice("version", "-v").stdout)


class Completion(unittest.TestCase):
    def test_bash_completes_commands_and_options(self):
        script = sluice("completion", "bash").stdout
        ask = script + ('\nCOMP_WORDS=(sluice comp); COMP_CWORD=1; _sluice; echo "${COMPREPLY[@]}"'
                        '\nCOMP_WORDS=(sluice version --v); COMP_CWORD=2; _sluice; '
                        'echo "${COMPREPLY[@]}"')
        out = subprocess.run(["bash", "-c", ask], capture_output=True, text=True)
        self.assertEqual(out.stdout, "completion\n--verbose\n", out.stderr)

    def test_zsh_and_fish_name_every_command(self):
        for shell in ("zsh", "fish"):
            script = sluice("completion", shell).stdout
            for name in commands():
                self.assertRegex(script, rf"\b{name}\b", shell)
            if shutil.which(shell):
                check = subprocess.run([shell, "-n"], input=script, capture_output=True, text=True)
                self.assertEqual(check.returncode, 0, check.stderr)

    def test_unknown_shell(self):
        self.assertEqual(sluice("completion", "tcsh").returncode, 2)
        self.assertEqual(sluice("completion").returncode, 2)


if __name__ == "__main__":
    program.main()
