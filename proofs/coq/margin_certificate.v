(** * The certified radius of a label, and certified against attacked accuracy

    Statement.   Scores s_j(x) = ⟨w_j, φ(x)⟩ + b_j with an L-Lipschitz φ: label y keeps the largest score at x + δ for
                 every ‖δ‖ < min over j ≠ y of (s_y − s_j)/(L‖w_y − w_j‖). For φ(x) = Lx no larger radius is right. On
                 any list of samples, certified ≤ attacked, for every attack within the radius.
    Assumptions. any normed space of inputs and any inner product space of features; φ is L-Lipschitz, L ≥ 0; where
                 w_y = w_j or L = 0, s_y > s_j at x is enough; for the sharp radius L > 0 and w_y ≠ w_j
    Source.      theory, section 6; Tsuzuku, Sato, Sugiyama, NeurIPS 2018
    Verdict.     proved as stated
    Theorems.    label_is_kept, label_is_kept_within_radius, radius_is_sharp, certified_at_most_attacked *)

From Coq Require Import Reals Lra List Bool PeanoNat Lia.
From NatrobProofs Require Import normed_space inner_product_space.
Import ListNotations.
Open Scope R_scope.
Open Scope vector_scope.

Section Certificate.

Variable X : NormedSpace.
Variable E : InnerProductSpace.

(** The last layer: a weight vector and a bias for each label. *)
Variable labels : list nat.
Variable weight : nat -> E.
Variable bias : nat -> R.

Definition features_lipschitz (features : X -> E) (L : R) : Prop :=
  forall x moved, ‖features moved ⊖ features x‖ <= L * ‖moved ⊖ x‖.

Definition score (features : X -> E) (j : nat) (x : X) : R := ⟨weight j, features x⟩ + bias j.

(** s_y − s_j *)
Definition margin (features : X -> E) (y j : nat) (x : X) : R := score features y x - score features j x.

(** y has the largest score, and no other label has the same. *)
Definition has_label (features : X -> E) (y : nat) (x : X) : Prop :=
  forall j, In j labels -> j <> y -> score features j x < score features y x.

(** The margin changes by ⟨w_y − w_j, Δφ⟩ ≥ −‖w_y − w_j‖‖Δφ‖. *)
Lemma margin_decreases_at_most : forall features L y j x delta, features_lipschitz features L ->
  margin features y j x - L * ‖weight y ⊖ weight j‖ * ‖delta‖ <= margin features y j (x ⊕ delta).
Proof.
  intros features L y j x delta constant. unfold margin, score.
  set (w := weight y ⊖ weight j). set (change := features (x ⊕ delta) ⊖ features x).
  assert (⟨w, change⟩ = (⟨weight y, features (x ⊕ delta)⟩ - ⟨weight j, features (x ⊕ delta)⟩)
    - (⟨weight y, features x⟩ - ⟨weight j, features x⟩)) as difference.
  { unfold w, change. expand_dot. ring. }
  pose proof (cauchy_schwarz E (opposite w) change) as angle. rewrite norm_opposite, dot_opposite_left in angle.
  pose proof (constant x (x ⊕ delta)) as moved. fold change in moved.
  replace ((x ⊕ delta) ⊖ x) with delta in moved by vector.
  pose proof (Rmult_le_compat_l (‖w‖) _ _ (norm_nonnegative E w) moved). lra.
Qed.

(** The product form needs no quotient: where w_y = w_j or L = 0 it says s_y > s_j. *)
Theorem label_is_kept : forall features L y x delta, features_lipschitz features L ->
  (forall j, In j labels -> j <> y -> L * ‖weight y ⊖ weight j‖ * ‖delta‖ < margin features y j x) ->
  has_label features y (x ⊕ delta).
Proof.
  intros features L y x delta constant room j is_label other.
  pose proof (margin_decreases_at_most features L y j x delta constant) as change.
  pose proof (room j is_label other). unfold margin at 2 in change. lra.
Qed.

(** (s_y − s_j)/(L‖w_y − w_j‖) *)
Definition certified_radius (features : X -> E) (L : R) (y j : nat) (x : X) : R :=
  margin features y j x / (L * ‖weight y ⊖ weight j‖).

Theorem label_is_kept_within_radius : forall features L y x delta, 0 <= L -> features_lipschitz features L ->
  has_label features y x ->
  (forall j, In j labels -> j <> y -> 0 < L * ‖weight y ⊖ weight j‖ -> ‖delta‖ < certified_radius features L y j x) ->
  has_label features y (x ⊕ delta).
Proof.
  intros features L y x delta nonnegative constant before short.
  apply label_is_kept with L; [assumption|]. intros j is_label other.
  pose proof (before j is_label other) as ahead.
  assert (0 <= L * ‖weight y ⊖ weight j‖) as steep by (apply Rmult_le_pos; [assumption|apply norm_nonnegative]).
  destruct steep as [positive|null].
  - (* ‖δ‖ < (s_y − s_j)/(L‖w_y − w_j‖), multiplied by the denominator *)
    pose proof (Rmult_lt_compat_l _ _ _ positive (short j is_label other positive)) as product.
    unfold certified_radius in product. set (steepness := L * ‖weight y ⊖ weight j‖) in *.
    replace (steepness * (margin features y j x / steepness)) with (margin features y j x) in product by (field; lra).
    exact product.
  - rewrite <- null. unfold margin. lra.
Qed.

End Certificate.

(** ** The radius cannot be enlarged *)

Section Sharpness.

Variable E : InnerProductSpace.
Variable weight : nat -> E.
Variable bias : nat -> R.

(** φ(x) = Lx *)
Definition scaling (L : R) : E -> E := fun x => L • x.

Lemma scaling_is_lipschitz : forall L, 0 <= L -> features_lipschitz E E (scaling L) L.
Proof.
  intros L nonnegative x moved. unfold scaling.
  replace (L • moved ⊖ L • x) with (L • (moved ⊖ x)) by vector. rewrite norm_scale, Rabs_right; lra.
Qed.

(** Straight against w_y − w_j the margin falls as fast as the certificate allows. *)
Lemma steepest_descent : forall L y j x length, 0 < ‖weight y ⊖ weight j‖ -> 0 <= length ->
  exists delta, ‖delta‖ = length /\
    margin E E weight bias (scaling L) y j (x ⊕ delta)
      = margin E E weight bias (scaling L) y j x - L * ‖weight y ⊖ weight j‖ * length.
Proof.
  intros L y j x length differ nonnegative. set (w := weight y ⊖ weight j) in *.
  exists ((- (length / ‖w‖)) • w). split.
  - rewrite norm_scale, Rabs_Ropp, Rabs_right; [field; lra|].
    apply Rle_ge. apply Rmult_le_pos; [assumption|]. apply Rlt_le, Rinv_0_lt_compat, differ.
  - assert (⟨w, w⟩ = ‖w‖ * ‖w‖) as square by apply dot_is_norm_squared.
    assert (⟨weight y, w⟩ - ⟨weight j, w⟩ = ‖w‖ * ‖w‖) as along.
    { rewrite <- square. unfold w at 3. rewrite dot_add_left, dot_opposite_left. ring. }
    unfold margin, score, scaling. rewrite !dot_scale_right, !dot_add_right, !dot_scale_right.
    replace (⟨weight y, w⟩) with (‖w‖ * ‖w‖ + ⟨weight j, w⟩) by lra. field. lra.
Qed.

(** At the radius there is a tie, and at any longer distance j wins somewhere. *)
Theorem radius_is_sharp : forall L y j x,
  0 < L -> 0 < ‖weight y ⊖ weight j‖ -> 0 <= margin E E weight bias (scaling L) y j x ->
  let radius := certified_radius E E weight bias (scaling L) L y j x in
  features_lipschitz E E (scaling L) L /\
  (exists delta, ‖delta‖ = radius /\
    score E E weight bias (scaling L) y (x ⊕ delta) = score E E weight bias (scaling L) j (x ⊕ delta)) /\
  forall length, radius < length -> exists delta, ‖delta‖ = length /\
    score E E weight bias (scaling L) y (x ⊕ delta) < score E E weight bias (scaling L) j (x ⊕ delta).
Proof.
  intros L y j x positive differ ahead radius.
  set (gap := margin E E weight bias (scaling L) y j x) in *.
  assert (0 < L * ‖weight y ⊖ weight j‖) as steep by (apply Rmult_lt_0_compat; assumption).
  assert (L * ‖weight y ⊖ weight j‖ * radius = gap) as spent by (unfold radius, certified_radius; fold gap; field; lra).
  assert (0 <= radius) as nonnegative.
  { apply Rmult_le_pos; [assumption|]. apply Rlt_le, Rinv_0_lt_compat, steep. }
  split; [apply scaling_is_lipschitz; lra|split].
  - destruct (steepest_descent L y j x radius differ nonnegative) as [delta [size descent]].
    exists delta. split; [assumption|]. fold gap in descent. unfold margin in descent. lra.
  - intros length beyond.
    destruct (steepest_descent L y j x length differ) as [delta [size descent]]; [lra|].
    exists delta. split; [assumption|]. fold gap in descent. unfold margin in descent.
    pose proof (Rmult_lt_compat_l _ _ _ steep beyond). lra.
Qed.

End Sharpness.

(** ** Over a test set *)

Section Accuracies.

Variable X : NormedSpace.
Variable E : InnerProductSpace.
Variable labels : list nat.
Variable weight : nat -> E.
Variable bias : nat -> R.
Variable features : X -> E.

(** A sample is certified at radius r if L‖w_y − w_j‖r < s_y − s_j for all j ≠ y. *)
Definition certified (L r : R) (sample : X * nat) : bool :=
  let (x, y) := sample in
  forallb (fun j =>
    (j =? y)%nat
    || if Rlt_dec (L * ‖weight y ⊖ weight j‖ * r) (margin X E weight bias features y j x) then true else false) labels.

Lemma certified_is_kept : forall L r x y moved, 0 <= L -> features_lipschitz X E features L ->
  certified L r (x, y) = true -> ‖moved ⊖ x‖ <= r -> has_label X E labels weight bias features y moved.
Proof.
  intros L r x y moved nonnegative constant certificate near.
  replace moved with (x ⊕ (moved ⊖ x)) by vector.
  apply label_is_kept with L; [assumption|]. intros j is_label other.
  unfold certified in certificate. rewrite forallb_forall in certificate. specialize (certificate j is_label).
  apply orb_true_iff in certificate. destruct certificate as [same|room].
  - apply Nat.eqb_eq in same. contradiction.
  - destruct (Rlt_dec _ _) as [room'|] in room; [|discriminate].
    apply Rle_lt_trans with (L * ‖weight y ⊖ weight j‖ * r); [|assumption].
    apply Rmult_le_compat_l; [|assumption]. apply Rmult_le_pos; [assumption|apply norm_nonnegative].
Qed.

Definition count (passes : X * nat -> bool) (samples : list (X * nat)) : nat := length (filter passes samples).

Lemma count_is_monotone : forall passes others samples,
  (forall sample, In sample samples -> passes sample = true -> others sample = true) ->
  (count passes samples <= count others samples)%nat.
Proof.
  intros passes others samples. unfold count. induction samples as [|sample rest step]; intros implied; simpl; [lia|].
  assert (length (filter passes rest) <= length (filter others rest))%nat as of_rest.
  { apply step. intros later inside. apply implied. right. exact inside. }
  destruct (passes sample) eqn:passed.
  - rewrite (implied sample (or_introl eq_refl) passed). simpl. lia.
  - destruct (others sample); simpl; lia.
Qed.

(** An attack may look at the sample, the network, anything: it is a function that stays in the ball. How the judge
    breaks ties is left open. *)
Theorem certified_at_most_attacked : forall L r (attack : X * nat -> X) (correct : nat -> X -> bool) samples,
  0 <= L -> features_lipschitz X E features L ->
  (forall sample, In sample samples -> ‖attack sample ⊖ fst sample‖ <= r) ->
  (forall y x, has_label X E labels weight bias features y x -> correct y x = true) ->
  (count (certified L r) samples <= count (fun sample => correct (snd sample) (attack sample)) samples)%nat.
Proof.
  intros L r attack correct samples nonnegative constant within judge.
  apply count_is_monotone. intros [x y] inside certificate. simpl. apply judge.
  apply certified_is_kept with L r x; try assumption. exact (within _ inside).
Qed.

End Accuracies.
