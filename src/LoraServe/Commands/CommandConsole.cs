using System.Runtime.InteropServices;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Sequences;
using LoraServe.Engine.Storage;
using LoraServe.Engine.Training.Results;
using LoraServe.Engine.Training.Settings;
using LoraServe.Hosting;
using LoraServe.Text.Tokenizers;

namespace LoraServe.Commands;

/// <summary>What the training commands share: terminal, Ctrl-C, error messages, exit codes.</summary>
internal static class CommandConsole
{
    private const int Failed = 1;

    // The code shells report for a process ended by SIGINT.
    private const int Interrupted = 130;

    /// <summary>Runs a command with a temporary folder, and reports errors in words.</summary>
    /// <param name="run">The command; the token is cancelled by Ctrl-C, a second one ends the process.</param>
    /// <param name="interrupted">What to say after Ctrl-C, once the command has ended.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(Func<string, CancellationToken, Task> run, Func<string> interrupted)
    {
        using var cancellation = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Cancel);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Cancel);
        var temporary = Directory.CreateTempSubdirectory("loraserve-");
        try
        {
            await run(temporary.FullName, cancellation.Token);
            return 0;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            Console.Error.WriteLine(interrupted());
            return Interrupted;
        }
        catch (InvalidTrainingException e)
        {
            return Fail(e.Faults);
        }
        catch (InvalidAdapterException e)
        {
            return Fail(e.Faults);
        }
        catch (InvalidCheckpointException e)
        {
            return Fail(e.Faults);
        }
        catch (Exception e) when (e is TrainingFailedException or InvalidTokenizerException or IOException or UnauthorizedAccessException
            or DllNotFoundException or ContextLengthExceededException or GenerationFailedException or EngineOverloadedException)
        {
            return Fail([e.Message]);
        }
        finally
        {
            temporary.Delete(recursive: true);
        }

        void Cancel(PosixSignalContext signal)
        {
            if (cancellation.IsCancellationRequested) return;
            signal.Cancel = true;
            Terminal.WriteErrorLine("Stopping after this step; once more to stop at once.");
            cancellation.Cancel();
        }
    }

    /// <summary>A folder inside a server's data folder must be accessible to its owner only, like everything in there.</summary>
    /// <param name="folder">The folder the command writes.</param>
    public static void KeepToOwner(string folder)
    {
        var path = Path.GetRelativePath(ServerConfiguration.Data, folder);
        if (!Path.IsPathRooted(path) && path.Split(Path.DirectorySeparatorChar)[0] != "..") OwnerOnly.CreateAll();
    }

    private static int Fail(IReadOnlyCollection<string> faults)
    {
        foreach (var fault in faults) Console.Error.WriteLine(faults.Count > 1 ? $"- {fault}" : fault);
        return Failed;
    }
}
