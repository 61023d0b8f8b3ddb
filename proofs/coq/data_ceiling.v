(** * The ceiling that labelled images set on robust accuracy

    Statement.   Two images of different labels at a distance of at most 2ε conflict: their balls share the image half
                 way, so that no classifier is right on both balls. The samples on whose whole balls a classifier is
                 right are therefore an independent set of the graph of conflicts, and on the balls of any independent
                 set some classifier is right: the most is the size α of a largest one. If cliques Q of the graph have
                 weights y_Q ≥ 0 that sum to at least 1 over the cliques of every image, then α ≤ ⌊Σ y_Q⌋; the images
                 may be split into parts, and each part's sum be rounded down by itself. Of two cases, an image inside
                 the set and none of its neighbours, or the image outside, the larger bound holds.
    Assumptions. any set of pixels and of labels; any norm of differences of images; the images have their pixels in
                 [0, 1]; balls are closed; the classifier is a function of the image alone: deterministic, one image at
                 a time
    Source.      theory, section 9; Bhagoji et al., NeurIPS 2019; Dai et al., NeurIPS 2023
    Verdict.     proved as stated
    Theorems.    conflict_excludes_robustness, robust_samples_are_independent, independent_set_is_attained,
                 clique_meets_independent_set_once, clique_cover_bounds_independent_sets, rounded_down,
                 parts_add_up, cases_bound *)

From Coq Require Import Reals Lra Lia List.
Import ListNotations.
Open Scope R_scope.

Section Images.

Variable pixel : Type.

Definition image : Type := pixel -> R.

Definition valid (x : image) : Prop := forall p, 0 <= x p <= 1.

(** A norm; the square root of the sum of squares, the largest entry and the sum of entries are some. *)
Variable norm : image -> R.
Hypothesis norm_extensional : forall u v : image, (forall p, u p = v p) -> norm u = norm v.
Hypothesis norm_scaled : forall c (u : image), norm (fun p => c * u p) = Rabs c * norm u.
Hypothesis norm_triangle : forall u v : image, norm (fun p => u p + v p) <= norm u + norm v.

Definition distance (x y : image) : R := norm (fun p => x p - y p).

Definition half_way (x y : image) : image := fun p => (x p + y p) / 2.

Lemma half_way_is_valid : forall x y, valid x -> valid y -> valid (half_way x y).
Proof.
  intros x y first second p. specialize (first p). specialize (second p). unfold half_way. lra.
Qed.

Lemma distance_symmetric : forall x y, distance x y = distance y x.
Proof.
  intros x y. unfold distance.
  rewrite (norm_extensional (fun p => x p - y p) (fun p => -1 * (y p - x p))) by (intro; ring).
  rewrite norm_scaled, Rabs_left by lra. ring.
Qed.

Lemma distance_triangle : forall x y z, distance x z <= distance x y + distance y z.
Proof.
  intros x y z. unfold distance.
  rewrite (norm_extensional (fun p => x p - z p) (fun p => (x p - y p) + (y p - z p))) by (intro; ring).
  apply norm_triangle.
Qed.

Lemma half_way_from_first : forall x y, distance (half_way x y) x = distance x y / 2.
Proof.
  intros x y. rewrite (distance_symmetric x y). unfold distance, half_way.
  rewrite (norm_extensional (fun p => (x p + y p) / 2 - x p) (fun p => / 2 * (y p - x p))) by (intro; field).
  rewrite norm_scaled, Rabs_right by lra. field.
Qed.

Lemma half_way_from_second : forall x y, distance (half_way x y) y = distance x y / 2.
Proof.
  intros x y. unfold distance, half_way.
  rewrite (norm_extensional (fun p => (x p + y p) / 2 - y p) (fun p => / 2 * (x p - y p))) by (intro; field).
  rewrite norm_scaled, Rabs_right by lra. field.
Qed.

(** The images within the distance ε of a centre *)
Definition in_ball (centre : image) (epsilon : R) (x : image) : Prop := valid x /\ distance x centre <= epsilon.

Section Classifiers.

Variable label : Type.
Variable same_label : forall a b : label, {a = b} + {a <> b}.

Definition sample : Type := (image * label)%type.

(** The classifier gives the right label on all images of the ball. *)
Definition right_on_ball (classify : image -> label) (epsilon : R) (s : sample) : Prop :=
  forall x, in_ball (fst s) epsilon x -> classify x = snd s.

Definition conflict (epsilon : R) (s t : sample) : Prop :=
  snd s <> snd t /\ distance (fst s) (fst t) <= 2 * epsilon.

Theorem conflict_excludes_robustness : forall classify epsilon s t,
  valid (fst s) -> valid (fst t) -> conflict epsilon s t ->
  ~ (right_on_ball classify epsilon s /\ right_on_ball classify epsilon t).
Proof.
  intros classify epsilon s t first second [differ near] [right_first right_second]. apply differ.
  pose proof (half_way_is_valid _ _ first second) as inside.
  rewrite <- (right_first (half_way (fst s) (fst t))), <- (right_second (half_way (fst s) (fst t))); [reflexivity| |];
    split; try exact inside; [rewrite half_way_from_second|rewrite half_way_from_first]; lra.
Qed.

Definition independent (epsilon : R) (chosen : list sample) : Prop :=
  forall s t, In s chosen -> In t chosen -> ~ conflict epsilon s t.

(** [robust] marks samples, each with a proof that the classifier is right on the sample's whole ball. *)
Corollary robust_samples_are_independent : forall classify epsilon samples (robust : sample -> bool),
  (forall s, In s samples -> valid (fst s)) ->
  (forall s, In s samples -> robust s = true -> right_on_ball classify epsilon s) ->
  independent epsilon (filter robust samples).
Proof.
  intros classify epsilon samples robust pixels right s t first second joined.
  apply filter_In in first. apply filter_In in second.
  destruct first as [here marked], second as [there also_marked].
  apply (conflict_excludes_robustness classify epsilon s t); auto.
Qed.

Definition holds (epsilon : R) (x : image) (s : sample) : bool :=
  if Rle_dec (distance x (fst s)) epsilon then true else false.

(** The label of the first chosen sample whose ball holds the image *)
Definition label_of_ball (default : label) (epsilon : R) (chosen : list sample) (x : image) : label :=
  match find (holds epsilon x) chosen with
  | Some s => snd s
  | None => default
  end.

Theorem independent_set_is_attained : forall default epsilon chosen,
  independent epsilon chosen ->
  forall s, In s chosen -> right_on_ball (label_of_ball default epsilon chosen) epsilon s.
Proof.
  intros default epsilon chosen apart s present x [_ near]. unfold label_of_ball.
  destruct (find (holds epsilon x) chosen) as [t|] eqn:found.
  - apply find_some in found. destruct found as [member within]. unfold holds in within.
    destruct (Rle_dec (distance x (fst t)) epsilon) as [also_near|]; [|discriminate].
    destruct (same_label (snd t) (snd s)) as [same|differ]; [exact same|].
    exfalso. apply (apart t s member present). split; [exact differ|].
    pose proof (distance_triangle (fst t) x (fst s)) as around. rewrite (distance_symmetric (fst t) x) in around. lra.
  - pose proof (find_none _ _ found s present) as missed. unfold holds in missed.
    destruct (Rle_dec (distance x (fst s)) epsilon); [discriminate|contradiction].
Qed.

End Classifiers.

End Images.

(** ** Covers by cliques *)

Section Graphs.

(** Vertices are positions of images. *)
Variable joined : nat -> nat -> Prop.

Definition is_clique (members : list nat) : Prop :=
  forall v w, In v members -> In w members -> v <> w -> joined v w.

Definition is_independent (chosen : list nat) : Prop :=
  NoDup chosen /\ forall v w, In v chosen -> In w chosen -> ~ joined v w.

Definition in_clique (members : list nat) (v : nat) : bool := if in_dec Nat.eq_dec v members then true else false.

Theorem clique_meets_independent_set_once : forall members chosen,
  is_clique members -> is_independent chosen -> (length (filter (in_clique members) chosen) <= 1)%nat.
Proof.
  intros members chosen clique [once apart].
  assert (forall v, In v (filter (in_clique members) chosen) -> In v chosen /\ In v members) as both.
  { intros v kept. apply filter_In in kept. destruct kept as [present inside]. split; [exact present|].
    unfold in_clique in inside. destruct (in_dec Nat.eq_dec v members); [assumption|discriminate]. }
  pose proof (NoDup_filter (in_clique members) once) as distinct.
  destruct (filter (in_clique members) chosen) as [|v [|w rest]]; simpl; try lia.
  exfalso. destruct (both v) as [v_chosen v_inside]; [simpl; auto|].
  destruct (both w) as [w_chosen w_inside]; [simpl; auto|].
  apply (apart v w v_chosen w_chosen). apply (clique v w v_inside w_inside).
  inversion distinct as [|? ? not_again _]. intro same. apply not_again. subst. simpl. auto.
Qed.

(** Cliques with their weights *)
Definition cover : Type := list (R * list nat).

Definition total (c : cover) : R := fold_right (fun each sum => fst each + sum) 0 c.

(** The sum of the weights of the cliques that hold a vertex *)
Definition coverage (c : cover) (v : nat) : R :=
  fold_right (fun each sum => (if in_clique (snd each) v then fst each else 0) + sum) 0 c.

Definition is_cover (c : cover) (vertices : list nat) : Prop :=
  (forall each, In each c -> 0 <= fst each /\ is_clique (snd each)) /\
  (forall v, In v vertices -> 1 <= coverage c v).

Definition sum_over (value : nat -> R) (chosen : list nat) : R := fold_right (fun v sum => value v + sum) 0 chosen.

Lemma sum_of_weights_in_clique : forall weight members chosen,
  sum_over (fun v => if in_clique members v then weight else 0) chosen =
  weight * INR (length (filter (in_clique members) chosen)).
Proof.
  intros weight members chosen. induction chosen as [|v rest step]; [simpl; ring|].
  cbn [sum_over fold_right filter]. fold (sum_over (fun v => if in_clique members v then weight else 0) rest).
  rewrite step. destruct (in_clique members v); [|ring].
  cbn [length]. rewrite S_INR. ring.
Qed.

Lemma sum_of_sums : forall f g chosen,
  sum_over (fun v => f v + g v) chosen = sum_over f chosen + sum_over g chosen.
Proof.
  intros f g chosen. unfold sum_over. induction chosen as [|v rest step]; simpl; [ring|rewrite step; ring].
Qed.

Lemma coverage_below_total : forall c chosen,
  (forall each, In each c -> 0 <= fst each /\ is_clique (snd each)) -> is_independent chosen ->
  sum_over (coverage c) chosen <= total c.
Proof.
  intros c chosen cliques apart. induction c as [|each rest step].
  - assert (forall vertices, sum_over (coverage []) vertices = 0) as nothing.
    { induction vertices as [|v others again]; [reflexivity|].
      change (0 + sum_over (coverage []) others = 0). rewrite again. ring. }
    rewrite nothing. simpl. lra.
  - assert (sum_over (coverage rest) chosen <= total rest) as before by (apply step; intros; apply cliques; simpl; auto).
    destruct (cliques each (or_introl eq_refl)) as [positive clique].
    assert (sum_over (coverage (each :: rest)) chosen =
      sum_over (fun v => if in_clique (snd each) v then fst each else 0) chosen + sum_over (coverage rest) chosen) as split_off
      by (apply sum_of_sums).
    rewrite split_off, sum_of_weights_in_clique. cbn [total fold_right]. fold (total rest).
    pose proof (clique_meets_independent_set_once _ _ clique apart) as once. apply le_INR in once.
    change (INR 1) with 1 in once. apply Rplus_le_compat; [|exact before].
    rewrite <- (Rmult_1_r (fst each)) at 2. apply Rmult_le_compat_l; assumption.
Qed.

Theorem clique_cover_bounds_independent_sets : forall c chosen,
  is_cover c chosen -> is_independent chosen -> INR (length chosen) <= total c.
Proof.
  intros c chosen [cliques covered] apart.
  apply Rle_trans with (sum_over (coverage c) chosen); [|apply coverage_below_total; assumption].
  clear cliques apart. induction chosen as [|v rest step]; [simpl; lra|].
  cbn [length sum_over fold_right]. fold (sum_over (coverage c) rest). rewrite S_INR.
  assert (INR (length rest) <= sum_over (coverage c) rest) by (apply step; intros; apply covered; simpl; auto).
  specialize (covered v (or_introl eq_refl)). lra.
Qed.

(** A number of images is whole: the sum may be rounded down. *)
Corollary rounded_down : forall c chosen most,
  is_cover c chosen -> is_independent chosen -> total c < INR most + 1 -> (length chosen <= most)%nat.
Proof.
  intros c chosen most covered apart below.
  pose proof (clique_cover_bounds_independent_sets c chosen covered apart) as bound.
  assert (INR (length chosen) < INR (S most)) as less by (rewrite S_INR; lra).
  apply INR_lt in less. lia.
Qed.

(** The vertices of one part, and the others: bounds of both add up. *)
Theorem parts_add_up : forall (part : nat -> bool) chosen first second,
  (forall inside, is_independent inside -> (forall v, In v inside -> part v = true) ->
    (length inside <= first)%nat) ->
  (forall outside, is_independent outside -> (forall v, In v outside -> part v = false) ->
    (length outside <= second)%nat) ->
  is_independent chosen -> (length chosen <= first + second)%nat.
Proof.
  intros part chosen first second inner outer [once apart].
  assert (forall p : nat -> bool, is_independent (filter p chosen)) as filtered.
  { intro p. split; [apply NoDup_filter; exact once|].
    intros v w here there. apply filter_In in here. apply filter_In in there. apply apart; tauto. }
  assert (length (filter part chosen) <= first)%nat as in_part.
  { apply inner; [apply filtered|]. intros v kept. apply filter_In in kept. tauto. }
  assert (length (filter (fun v => negb (part v)) chosen) <= second)%nat as beside.
  { apply outer; [apply filtered|]. intros v kept. apply filter_In in kept. destruct kept as [_ other].
    destruct (part v); [discriminate|reflexivity]. }
  assert (length chosen = length (filter part chosen) + length (filter (fun v => negb (part v)) chosen))%nat as both.
  { clear. induction chosen as [|v rest step]; [reflexivity|]. simpl. destruct (part v); simpl; lia. }
  lia.
Qed.

(** Two cases: a vertex is chosen, so that none of its neighbours is, or it is not. The larger bound holds. *)
Theorem cases_bound : forall v (allowed : nat -> Prop) most chosen,
  (forall others, is_independent others -> (forall w, In w others -> allowed w /\ w <> v /\ ~ joined v w) ->
    (S (length others) <= most)%nat) ->
  (forall others, is_independent others -> (forall w, In w others -> allowed w /\ w <> v) ->
    (length others <= most)%nat) ->
  is_independent chosen -> (forall w, In w chosen -> allowed w) -> (length chosen <= most)%nat.
Proof.
  intros v allowed most chosen inside outside [once apart] within.
  destruct (in_dec Nat.eq_dec v chosen) as [present|absent].
  - pose proof (in_split v chosen present) as [before [after whole]]. subst chosen.
    assert (length (before ++ v :: after) = S (length (before ++ after))) as counted
      by (rewrite !app_length; simpl; lia).
    rewrite counted. apply inside.
    + split; [exact (NoDup_remove_1 _ _ _ once)|].
      intros u w here there. apply apart; apply in_or_app; simpl; [apply in_app_or in here|apply in_app_or in there]; tauto.
    + intros w kept. assert (In w (before ++ v :: after)) as also
        by (apply in_or_app; simpl; apply in_app_or in kept; tauto).
      repeat split; [exact (within w also)| |exact (apart v w present also)].
      intro same. subst w. exact (NoDup_remove_2 _ _ _ once kept).
  - apply outside; [split; assumption|]. intros w kept. split; [exact (within w kept)|].
    intro same. subst w. exact (absent kept).
Qed.

End Graphs.
