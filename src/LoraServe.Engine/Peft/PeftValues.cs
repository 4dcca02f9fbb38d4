using LoraServe.Engine.Checkpoints.Safetensors;

namespace LoraServe.Engine.Peft;

/// <summary>Checks the values of an adapter file: all finite, also after scaling, and some update not zero.</summary>
internal static class PeftValues
{
    /// <summary>Reports every tensor that cannot be used.</summary>
    /// <param name="file">The file's name.</param>
    /// <param name="largest">The largest absolute values of its tensors by name.</param>
    /// <param name="content">The tensors of the file.</param>
    /// <param name="faults">Receives the faults.</param>
    /// <returns>Whether some low-rank update is not zero.</returns>
    public static bool Check(string file, IReadOnlyDictionary<string, float> largest, PeftContent content, PeftFaults faults)
    {
        foreach (var (name, value) in largest.Where(pair => !float.IsFinite(pair.Value)))
            faults.Incompatible($"{file}: '{name}' holds a NaN or an infinity");

        var hasEffect = false;
        foreach (var module in content.Modules)
        {
            // Also if B is zero: infinity times zero is NaN.
            var scaling = (float)module.Scaling;
            foreach (var scaled in new[] { module.B, module.LoraBias }.OfType<SafetensorsEntry>())
            {
                var most = largest[scaled.Name];
                if (!float.IsFinite(scaling) || (float.IsFinite(most) && Math.Abs(module.Scaling) * most > float.MaxValue))
                    faults.Incompatible($"{file}: '{scaled.Name}': scaled by {module.Scaling} it leaves the range of float32");
            }

            hasEffect |= scaling != 0 && largest[module.A.Name] != 0 && largest[module.B.Name] != 0;
            hasEffect |= scaling != 0 && module.LoraBias is { } bias && largest[bias.Name] != 0;
        }

        return hasEffect;
    }
}
