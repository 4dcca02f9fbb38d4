using System.CommandLine;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Merging;
using LoraServe.Hosting;

namespace LoraServe.Commands;

/// <summary>The subcommand merge: writes a checkpoint with an adapter merged into it, without a server.</summary>
internal static class MergeCommand
{
    public static Command Create()
    {
        var model = new Option<string>("--model") { Description = "Folder of the base model.", HelpName = "DIR", Required = true };
        var adapter = new Option<string>("--adapter") { Description = "Folder of the PEFT adapter.", HelpName = "DIR", Required = true };
        var folder = new Option<string>("--out") { Description = "Folder to write: absent or empty.", HelpName = "DIR", Required = true };
        var dtype = ValueOption.Name("--dtype", "Type of the weights: bfloat16 or float32. Default: bfloat16.", "bfloat16", "float32");
        var command = new Command("merge", "Writes a checkpoint in Hugging Face's format with one adapter merged into the weights.")
        {
            model, adapter, folder, dtype,
        };
        command.SetAction(result => Run(
            result.GetValue(model)!, result.GetValue(adapter)!, result.GetValue(folder)!, result.GetValue(dtype) ?? "bfloat16"));
        model.WithRule(ModelFolder.Fault);
        adapter.WithRule(PathRules.AdapterFault);
        return command;
    }

    private static int Run(string model, string adapter, string folder, string dtype)
    {
        try
        {
            MergedCheckpoint.Write(model, adapter, folder, dtype);
            Console.Out.WriteLine($"Wrote {folder}.");
            return 0;
        }
        catch (InvalidAdapterException e)
        {
            return Fail($"{adapter}: {string.Join("\n  ", e.Faults)}");
        }
        catch (InvalidCheckpointException e)
        {
            return Fail($"{model}: {string.Join("\n  ", e.Faults)}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or DllNotFoundException)
        {
            return Fail(e.Message);
        }
    }

    private static int Fail(string reason)
    {
        Console.Error.WriteLine($"Nothing was written:\n  {reason}");
        return 1;
    }
}
