# SPDX-License-Identifier: GPL-2.0-or-later
# Completion of storyfs for fish; what there is to offer, the program knows (storyfs complete --help).

function __storyfs_offers
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for line in ($words[1] complete -- $words[2..-1] "$current" 2>/dev/null)
        switch $line
            case :files
                __fish_complete_path (string replace -r '.*=' '' -- "$current")
            case :directories
                __fish_complete_directories "$current" ''
            case '*'
                echo $line
        end
    end
end

complete -c storyfs -f -a '(__storyfs_offers)'
