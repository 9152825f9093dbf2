"""What is wrong with this machine, what that means, and the command that mends it.

`examine` asks every check in turn. A check takes the machine and gives findings: one line that
says what is there when all is well, and one for each thing that is not. The checks of `system`,
`devices` and `service` read /proc, /sys, /dev and /etc below a root, so that a test can build a
broken machine.
"""
