using static TorchSharp.torch;

namespace LoraServe.Engine.Lora;

/// <summary>The frozen token embedding with the changes of adapters beside it, each token with those of its own adapter.</summary>
/// <param name="weight">E [vocabulary, hidden], never written.</param>
internal sealed class LoraEmbedding(Tensor weight)
{
    /// <summary>Token ids [tokens], int64, to their rows [tokens, hidden]; the caller owns the result.</summary>
    public Tensor Forward(Tensor tokenIds, LoraBatch batch)
    {
        var rows = weight.index_select(0, tokenIds);
        foreach (var segment in batch.Segments)
        {
            if (segment.Adapter.Embedding is not { } update) continue;

            using var scope = NewDisposeScope();
            var ids = tokenIds.narrow(0, segment.Start, segment.Count);
            Apply(update, ids, rows.narrow(0, segment.Start, segment.Count));
        }

        return rows;
    }

    // ids [tokens]; rows [tokens, hidden], the base's, become those of the adapter in place.
    private static void Apply(EmbeddingUpdate update, Tensor ids, Tensor rows)
    {
        switch (update)
        {
            case LowRankEmbedding lora:
                if (lora.Scale is not null) rows.mul_(lora.Scale);
                LowRankProduct.Expand(lora.A.index_select(1, ids).t(), lora.B, rows);
                break;
            case ReplacedRows replaced:
                var isReplaced = ids.unsqueeze(1).eq(replaced.TokenIds);
                var own = replaced.Rows.index_select(0, isReplaced.to(ScalarType.Int32).argmax(1));
                rows.copy_(where(isReplaced.any(1).unsqueeze(1), own, rows));
                break;
            case ReplacedEmbedding replaced:
                rows.copy_(replaced.Weight.index_select(0, ids));
                break;
        }
    }
}
