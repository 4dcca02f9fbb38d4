using System.Diagnostics;

namespace LoraServe.Benchmarks.Training;

/// <summary>Repeatedly kills a <see cref="TrainingKillWorker"/>, and compares its result with an undisturbed training's.</summary>
/// <param name="root">An empty folder.</param>
/// <param name="worker">Starts a process that starts or resumes the training in a folder below the root.</param>
internal sealed class TrainingKillTrial(string root, Func<string, ProcessStartInfo> worker)
{
    private const string Undisturbed = "undisturbed", Disturbed = "disturbed";
    private const int LongestMilliseconds = 600;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    // The journal lines of the undisturbed training by step or evaluation.
    private readonly Dictionary<string, string> _expected = new(StringComparer.Ordinal);

    /// <summary>Number of kills.</summary>
    public int Kills { get; private set; }

    /// <summary>Killed trainings whose adapter was bitwise equal to the undisturbed one.</summary>
    public int Trainings { get; private set; }

    /// <summary>Steps and evaluations of killed trainings with the same figures as in the undisturbed one.</summary>
    public int ComparedSteps { get; private set; }

    /// <summary>Trains once undisturbed, and then with this many kills.</summary>
    /// <exception cref="BenchmarkException">Something differs.</exception>
    public async Task RunAsync(int kills, int seed)
    {
        var random = new Random(seed);
        TrainingKillWorker.Prepare(root);
        File.WriteAllText(TrainingKillWorker.Journal(root), "");
        if (!await WorkAsync(Undisturbed, kill: null)) throw new BenchmarkException("The undisturbed training failed.");
        foreach (var line in Lines()) _expected.Add(line.Split(' ')[0], line);

        for (var isDone = true; Kills < kills || !isDone;)
        {
            // While it starts or resumes, or during steps, evaluations and checkpoints.
            var moment = new Moment(random.Next(3) == 0 ? "begin" : " ", TimeSpan.FromMilliseconds(random.Next(LongestMilliseconds)));
            File.WriteAllText(TrainingKillWorker.Journal(root), "");
            isDone = await WorkAsync(Disturbed, Kills < kills ? moment : null);
            CheckSteps();
            if (!isDone) continue;
            CheckAdapter();
            Directory.Delete(Path.Combine(root, Disturbed), recursive: true);
            Trainings++;
        }
    }

    // Whether the training ended; otherwise it was killed.
    private async Task<bool> WorkAsync(string run, Moment? kill)
    {
        using var process = Process.Start(worker(run))!;
        var clock = Stopwatch.StartNew();
        if (kill is not null)
        {
            while (!process.HasExited && !Journal().Exists(line => line.Contains(kill.After, StringComparison.Ordinal)))
            {
                await Task.Delay(5);
                if (clock.Elapsed <= Patience) continue;
                process.Kill(entireProcessTree: true);
                throw new BenchmarkException("The worker does not begin.");
            }

            await Task.Delay(kill.Delay);
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
                Kills++;
            }
        }

        using var patience = new CancellationTokenSource(Patience);
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new BenchmarkException("The worker does not end.");
        }

        var hasEnded = Journal().Contains("end");
        if (!hasEnded && (kill is null || process.ExitCode == 1)) throw new BenchmarkException($"The worker ended with {process.ExitCode}.");
        return hasEnded;
    }

    private void CheckSteps()
    {
        foreach (var line in Lines())
        {
            var step = line.Split(' ')[0];
            if (_expected[step] != line) throw new BenchmarkException($"Step {step} is '{line}', expected '{_expected[step]}'.");
            ComparedSteps++;
        }
    }

    private void CheckAdapter()
    {
        foreach (var file in Directory.GetFiles(Path.Combine(root, Undisturbed, "adapter")))
        {
            var other = Path.Combine(root, Disturbed, "adapter", Path.GetFileName(file));
            if (!File.ReadAllBytes(file).AsSpan().SequenceEqual(File.ReadAllBytes(other)))
                throw new BenchmarkException($"{Path.GetFileName(file)} is not that of the undisturbed training.");
        }
    }

    // The last line may be half written.
    private IEnumerable<string> Lines() => Journal().SkipLast(1).Where(line => line.Contains(' ', StringComparison.Ordinal));

    private List<string> Journal()
    {
        using var file = new FileStream(TrainingKillWorker.Journal(root), FileMode.OpenOrCreate, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(file);
        return [.. reader.ReadToEnd().Split('\n')];
    }

    /// <param name="After">Text to wait for in the journal.</param>
    /// <param name="Delay">Time between that text and the kill.</param>
    private sealed record Moment(string After, TimeSpan Delay);
}
